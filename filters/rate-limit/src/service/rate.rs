//! Rates in the protocol of the service.

use std::time::Duration;

/// Requests per unit of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// Requests in each unit.
    pub requests_per_unit: u32,
    /// The unit of time.
    pub unit: Unit,
}

/// A unit of time, numbered as in `envoy.type.v3.RateLimitUnit`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// None of the other units.
    Unknown = 0,
    /// A second.
    Second = 1,
    /// A minute.
    Minute = 2,
    /// An hour.
    Hour = 3,
    /// A day.
    Day = 4,
    /// A month; its length varies.
    Month = 5,
    /// A year; its length varies.
    Year = 6,
}

impl Unit {
    const ALL: [Self; 7] =
        [Self::Unknown, Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Month, Self::Year];

    /// Returns the unit of this length; `None` unless it is a second, a minute, an hour or a day.
    #[must_use]
    pub fn from_duration(length: Duration) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.duration() == Some(length))
    }

    /// Returns the length; `None` if it is unknown or varies.
    #[must_use]
    pub const fn duration(self) -> Option<Duration> {
        match self {
            Self::Second => Some(Duration::from_secs(1)),
            Self::Minute => Some(Duration::from_mins(1)),
            Self::Hour => Some(Duration::from_hours(1)),
            Self::Day => Some(Duration::from_hours(24)),
            Self::Unknown | Self::Month | Self::Year => None,
        }
    }

    pub(super) const fn number(self) -> u64 {
        self as u64
    }

    pub(super) fn from_number(number: u64) -> Self {
        let unit = Self::ALL.into_iter().find(|unit| unit.number() == number);
        unit.unwrap_or(Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn converts_numbers_and_lengths() {
        for (number, unit) in (0..).zip(Unit::ALL) {
            assert_eq!(unit.number(), number);
            assert_eq!(Unit::from_number(number), unit);
            if let Some(length) = unit.duration() {
                assert_eq!(Unit::from_duration(length), Some(unit));
            }
        }
        assert_eq!(Unit::from_number(7), Unit::Unknown);
        assert_eq!(Unit::from_number(u64::MAX), Unit::Unknown);
        assert_eq!(Unit::from_duration(Duration::from_secs(2)), None);
    }
}
