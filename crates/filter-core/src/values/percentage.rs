//! Percentages of traffic.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::config::shown::Shown;

/// A percentage, as Istio's `Percent`: `{value: 0.1}` is 0.1 %.
///
/// 0, or 0.0001 to 100, rounded to the nearest 0.0001. `{}` is 0, as in Istio.
///
/// ```
/// use filter_core::Percentage;
///
/// let share: Percentage = serde_json::from_str(r#"{"value": 0.57}"#)?;
/// assert_eq!(share.parts_per_million(), 5_700);
/// assert!(share.contains(5_699) && !share.contains(5_700));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd,
)]
#[serde(from = "Percent")]
#[schemars(with = "Percent", extend("examples" = [{"value": 0.1}, {"value": 50}]))]
pub struct Percentage(u32);

/// Error for a number that is not a percentage.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be 0, or from 0.0001 to 100")]
pub struct InvalidPercentage;

impl Percentage {
    /// 0 %.
    pub const NONE: Self = Self(0);
    /// 100 %.
    pub const ALL: Self = Self(1_000_000);

    /// Creates a percentage from a number from 0 to 100.
    ///
    /// # Errors
    ///
    /// Fails for other numbers, and for numbers between 0 and 0.0001.
    pub fn from_percent(percent: f64) -> Result<Self, InvalidPercentage> {
        if percent != 0.0 && !(0.0001..=100.0).contains(&percent) {
            return Err(InvalidPercentage);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10^6")]
        Ok(Self((percent * 10_000.0).round() as u32))
    }

    /// Returns the percentage in millionths, 0 to 1,000,000.
    #[must_use]
    pub const fn parts_per_million(self) -> u32 {
        self.0
    }

    /// Returns the fraction `of / whole` of the percentage, rounded down to millionths, and at most
    /// the percentage.
    #[must_use]
    pub fn scaled(self, of: u128, whole: u128) -> Self {
        let part = u128::from(self.0).saturating_mul(of).checked_div(whole).unwrap_or_default();
        Self(u32::try_from(part).unwrap_or(u32::MAX).min(self.0))
    }

    /// Returns `true` if a draw from 0 to 999,999 is within the percentage.
    #[must_use]
    pub const fn contains(self, draw_in_millionths: u32) -> bool {
        draw_in_millionths < self.0
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {value: 1} for 1 %")]
struct Percent {
    /// Number of percent: 0, or 0.0001 to 100. Default: 0.
    #[serde(default, deserialize_with = "percent")]
    #[schemars(
        with = "f64",
        extend(
            "default" = 0,
            "anyOf" = [{"const": 0}, {"minimum": 0.0001, "maximum": 100}],
            "examples" = [0.1, 50]
        )
    )]
    value: Percentage,
}

impl From<Percent> for Percentage {
    fn from(percent: Percent) -> Self {
        percent.value
    }
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Percentage, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let percent = value.as_f64().ok_or(InvalidPercentage).and_then(Percentage::from_percent);
    percent.map_err(|rule| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::parse_config;

    #[test]
    fn rounds_to_the_nearest_millionth() {
        for (percent, millionths) in [
            (0.0, 0),
            (-0.0, 0),
            (0.0001, 1),
            (0.000_149, 1),
            (0.000_151, 2),
            (0.1, 1_000),
            (0.57, 5_700),
            (33.333_333, 333_333),
            (100.0, 1_000_000),
        ] {
            let share = Percentage::from_percent(percent).unwrap();
            assert_eq!(share.parts_per_million(), millionths, "{percent}");
        }
    }

    #[test]
    fn contains_its_share_of_draws() {
        for share in [Percentage::NONE, Percentage::from_percent(0.1).unwrap(), Percentage::ALL] {
            let inside = (0..1_000_000).filter(|draw| share.contains(*draw)).count();
            assert_eq!(inside, share.parts_per_million() as usize);
        }
    }

    #[test]
    fn scales_to_at_most_the_percentage() {
        let share = Percentage::from_percent(10.0).unwrap();
        for (of, whole, millionths) in
            [(0, 3, 0), (1, 3, 33_333), (3, 3, 100_000), (9, 3, 100_000), (1, 0, 0)]
        {
            assert_eq!(share.scaled(of, whole).parts_per_million(), millionths, "{of}/{whole}");
        }
        assert_eq!(share.scaled(u128::MAX, 1), share);
    }

    #[test]
    fn an_empty_object_is_zero_as_in_istio() {
        assert_eq!(parse_config::<Percentage>(b"{}").unwrap(), Percentage::NONE);
    }

    #[test]
    fn refuses_invalid_values() {
        #[derive(Debug, serde::Deserialize)]
        struct Config {
            #[expect(dead_code)]
            percentage: Percentage,
        }
        let rule = "must be 0, or from 0.0001 to 100";
        for (value, message) in [
            (
                "0.01",
                "percentage: must be an object such as {value: 1} for 1 %, got 0.01".to_owned(),
            ),
            (r#"{"value": 100.1}"#, format!("percentage.value: {rule}, got 100.1")),
            (r#"{"value": -1}"#, format!("percentage.value: {rule}, got -1")),
            (r#"{"value": 0.00004}"#, format!("percentage.value: {rule}, got 0.00004")),
            (
                r#"{"value": "1"}"#,
                format!(r#"percentage.value: {rule}, got "1": leave out the quotes"#),
            ),
            (
                r#"{"percent": 1}"#,
                "percentage.percent: unknown field `percent`, expected `value`".to_owned(),
            ),
        ] {
            let document = format!(r#"{{"percentage": {value}}}"#);
            let error = parse_config::<Config>(document.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
