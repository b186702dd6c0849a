//! Integers in a range.

use std::ops::Deref;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::config::shown::Shown;

/// An integer from `MIN` to `MAX`, both included.
///
/// Also accepts a floating-point number without a fraction (`503.0`), because JSON that is
/// generated from a protobuf `Struct` has no other numbers.
///
/// ```
/// use filter_core::IntegerWithin;
///
/// let status: IntegerWithin<200, 599> = serde_json::from_str("503.0")?;
/// assert_eq!(status.get(), 503);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    with = "u64",
    title = format!("whole number from {MIN} to {MAX}"),
    description = "",
    extend("minimum" = MIN, "maximum" = MAX)
)]
pub struct IntegerWithin<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> IntegerWithin<MIN, MAX> {
    /// Creates an integer; `None` if it is out of range.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if MIN <= number && number <= MAX { Some(Self(number)) } else { None }
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> Deref for IntegerWithin<MIN, MAX> {
    type Target = u64;

    fn deref(&self) -> &u64 {
        &self.0
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for IntegerWithin<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        whole(&value).and_then(Self::new).ok_or_else(|| {
            D::Error::custom(format_args!(
                "must be a whole number from {MIN} to {MAX}, {}",
                Shown(&value)
            ))
        })
    }
}

/// 2^53, up to which all integers are exact as a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn whole(value: &Value) -> Option<u64> {
    if let Some(number) = value.as_u64() {
        return Some(number);
    }
    let number = value.as_f64()?;
    let exact = number.fract() == 0.0 && (0.0..=EXACT).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    exact.then_some(number as u64)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    type Status = IntegerWithin<200, 599>;

    #[test]
    fn accepts_integers_and_doubles_without_a_fraction() {
        for value in [json!(503), json!(503.0)] {
            assert_eq!(serde_json::from_value::<Status>(value).unwrap().get(), 503);
        }
    }

    #[test]
    fn accepts_all_64_bit_integers() {
        let largest = serde_json::from_value::<IntegerWithin<0, { u64::MAX }>>(json!(u64::MAX));
        assert_eq!(*largest.unwrap(), u64::MAX);
    }

    #[test]
    fn refuses_invalid_values() {
        for (value, shown) in [
            (json!(199), "got 199"),
            (json!(600), "got 600"),
            (json!(-1), "got -1"),
            (json!(503.5), "got 503.5"),
            (json!(1e300), "got 1e+300"),
            (json!("503"), r#"got "503""#),
            (json!(true), "got true"),
            (json!([]), "got a list"),
        ] {
            let error = serde_json::from_value::<Status>(value).unwrap_err();
            let message = format!("must be a whole number from 200 to 599, {shown}");
            assert_eq!(error.to_string(), message);
        }
    }
}
