//! Durations in the syntax of Go and Istio.

use std::{fmt, ops::Deref, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::config::shown::Shown;

/// A duration from `MIN_MS` to `MAX_MS` milliseconds, both included.
///
/// Has the syntax of Go's `time.ParseDuration`, which Istio uses: `250ms`, `1.5s`, `1h30m`. Units
/// are `ns us ms s m h`; signs and numbers without a unit are refused.
///
/// ```
/// use std::time::Duration;
/// use filter_core::DurationWithin;
///
/// let timeout: DurationWithin<100, 60_000> = serde_json::from_str(r#""1.5s""#)?;
/// assert_eq!(timeout.get(), Duration::from_millis(1500));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    with = "String",
    title = format!("duration from {} to {}", Millis(MIN_MS), Millis(MAX_MS)),
    description = "A duration such as 250ms, 1.5s or 1h30m.",
    extend(
        "pattern" = "^(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\u{b5}s|\u{3bc}s|ms|s|m|h))+$",
        "examples" = examples(MIN_MS, MAX_MS)
    )
)]
pub struct DurationWithin<const MIN_MS: u64, const MAX_MS: u64>(Duration);

/// Error for a text that is not a duration.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidDuration {
    /// It does not consist of numbers with units.
    #[error("must be a duration such as 250ms or 1h30m")]
    Syntax,
    /// It is longer than 2^64 nanoseconds, about 584 years.
    #[error("must be a duration of at most 584 years")]
    TooLong,
}

impl<const MIN_MS: u64, const MAX_MS: u64> DurationWithin<MIN_MS, MAX_MS> {
    /// Creates a duration; `None` if it is out of range.
    #[must_use]
    pub const fn new(duration: Duration) -> Option<Self> {
        let nanos = duration.as_nanos();
        // The products do not overflow: 64 bits times a million fit in 128 bits.
        #[expect(clippy::arithmetic_side_effects)]
        let within =
            nanos >= MIN_MS as u128 * NANOS_PER_MS && nanos <= MAX_MS as u128 * NANOS_PER_MS;
        if within { Some(Self(duration)) } else { None }
    }

    /// Returns the duration.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

const NANOS_PER_MS: u128 = 1_000_000;

impl<const MIN_MS: u64, const MAX_MS: u64> Deref for DurationWithin<MIN_MS, MAX_MS> {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl<'de, const MIN_MS: u64, const MAX_MS: u64> Deserialize<'de>
    for DurationWithin<MIN_MS, MAX_MS>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = value.as_str().ok_or(InvalidDuration::Syntax);
        let duration = text
            .and_then(parse_duration)
            .map_err(|rule| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))?;
        Self::new(duration).ok_or_else(|| {
            D::Error::custom(format_args!(
                "must be between {} and {}, {}",
                Millis(MIN_MS),
                Millis(MAX_MS),
                Shown(&value)
            ))
        })
    }
}

/// Parses a duration in Go's syntax.
///
/// # Errors
///
/// Fails as in Go, and also for signs and `0` without a unit.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    if text.is_empty() {
        return Err(InvalidDuration::Syntax);
    }
    let mut rest = text;
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let (term, after) = parse_term(rest)?;
        nanos = nanos.checked_add(term).ok_or(InvalidDuration::TooLong)?;
        rest = after;
    }
    let nanos = u64::try_from(nanos).map_err(|_| InvalidDuration::TooLong)?;
    Ok(Duration::from_nanos(nanos))
}

/// Parses a number with its unit and returns its nanoseconds, rounded down.
fn parse_term(text: &str) -> Result<(u128, &str), InvalidDuration> {
    let (whole, rest) = split_digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), split_digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(InvalidDuration::Syntax);
    }
    let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(unit_end).ok_or(InvalidDuration::Syntax)?;
    let unit = unit_nanos(unit).ok_or(InvalidDuration::Syntax)?;
    let nanos = digits(whole)
        .and_then(|whole| whole.checked_mul(unit))
        .and_then(|nanos| nanos.checked_add(fraction_nanos(fraction, unit)?))
        .ok_or(InvalidDuration::TooLong)?;
    Ok((nanos, rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn digits(text: &str) -> Option<u128> {
    if text.is_empty() { Some(0) } else { text.parse().ok() }
}

/// Returns the nanoseconds of a decimal fraction; digits after the 18th are irrelevant.
fn fraction_nanos(fraction: &str, unit: u128) -> Option<u128> {
    let fraction = fraction.get(..18).unwrap_or(fraction);
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    digits(fraction)?.checked_mul(unit)?.checked_div(scale)
}

fn unit_nanos(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// Returns typical values of a range, for schemas.
fn examples(min_ms: u64, max_ms: u64) -> Vec<String> {
    let typical = [30_000, 3_600_000, 250].into_iter().filter(|ms| (min_ms..=max_ms).contains(ms));
    let mut examples: Vec<_> = typical.take(2).map(|ms| Millis(ms).to_string()).collect();
    if examples.is_empty() {
        examples.push(Millis(max_ms).to_string());
    }
    examples
}

/// Displays milliseconds in the syntax of a configuration.
struct Millis(u64);

impl fmt::Display for Millis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        if rest == 0 {
            return out.write_str("0s");
        }
        for (size, unit) in [(3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")] {
            let count = rest.checked_div(size).unwrap_or(0);
            rest = rest.checked_rem(size).unwrap_or(0);
            if count > 0 {
                write!(out, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
