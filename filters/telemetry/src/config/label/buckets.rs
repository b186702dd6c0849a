//! Buckets of numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::checked;

/// Rising bounds of 1 to 64 numbers, and the names of the buckets between them.
///
/// ```
/// use telemetry::config::Buckets;
///
/// let buckets: Buckets = serde_json::from_str("[100, 500]")?;
/// let names = ["99.9", "100", "500", "x"].map(|text| buckets.name(text.as_bytes()));
/// assert_eq!(names, [Some("<100"), Some("100-500"), Some("500+"), None]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, JsonSchema, PartialEq)]
#[schemars(inline, with = "Vec<f64>", extend("minItems" = 1, "maxItems" = MAX, "examples" = [[100, 500]]))]
pub struct Buckets {
    bounds: Vec<f64>,
    /// One more than `bounds`.
    names: Vec<String>,
}

/// Maximum number of bounds.
const MAX: usize = 64;

impl Buckets {
    /// Returns the name of the bucket that contains a number; `None` if the text is not a number.
    #[must_use]
    pub fn name(&self, text: &[u8]) -> Option<&str> {
        let number: f64 = str::from_utf8(text).ok()?.trim().parse().ok()?;
        if number.is_nan() {
            return None;
        }
        let index = self.bounds.partition_point(|bound| *bound <= number);
        self.names.get(index).map(String::as_str)
    }

    fn new(bounds: Vec<f64>) -> Option<Self> {
        let is_rising = bounds.is_sorted_by(|one, two| one < two);
        if !is_rising || !(1..=MAX).contains(&bounds.len()) {
            return None;
        }
        let first = bounds.first().map(|bound| format!("<{bound}"));
        let middle = bounds.iter().zip(bounds.iter().skip(1));
        let middle = middle.map(|(from, to)| format!("{from}-{to}"));
        let last = bounds.last().map(|bound| format!("{bound}+"));
        let names = first.into_iter().chain(middle).chain(last).collect();
        Some(Self { bounds, names })
    }
}

impl<'de> Deserialize<'de> for Buckets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = "must be a list of 1 to 64 numbers, each larger than the one before";
        checked(deserializer, rule, |value| {
            let bounds = value.as_array()?.iter().map(serde_json::Value::as_f64);
            Self::new(bounds.collect::<Option<_>>()?)
        })
    }
}
