//! Ranges of numbers.

use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration of a range, with at least one bound.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {from: 1, to: 5}")]
#[schemars(inline, extend("minProperties" = 1, "examples" = [{"from": 18}, {"from": 1, "to": 5}]))]
pub(super) struct Bounds {
    /// Lower bound, included. Default: no lower bound.
    from: Option<f64>,
    /// Upper bound, excluded. Default: no upper bound.
    to: Option<f64>,
}

/// A range that includes its lower and excludes its upper bound.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NumberRange {
    pub(super) from: f64,
    pub(super) to: f64,
}

/// Maximum length of a number, in bytes.
const MAX_LEN: usize = 32;

impl NumberRange {
    /// Creates a range; `None` if it is empty or has no bounds.
    pub(super) fn new(bounds: &Bounds) -> Option<Self> {
        bounds.from.or(bounds.to)?;
        let from = bounds.from.unwrap_or(f64::NEG_INFINITY);
        let to = bounds.to.unwrap_or(f64::INFINITY);
        (from < to).then_some(Self { from, to })
    }

    /// Returns whether the number is in the range; `None` if the text is not a decimal number.
    pub(super) fn contains(&self, text: &str) -> Option<bool> {
        decimal(text).map(|number| self.from <= number && number < self.to)
    }
}

/// Parses digits with an optional sign and fraction; no exponent, no `inf`.
fn decimal(text: &str) -> Option<f64> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let legal = text.len() <= MAX_LEN && digits(whole) && digits(fraction);
    legal.then(|| text.parse().ok()).flatten()
}
