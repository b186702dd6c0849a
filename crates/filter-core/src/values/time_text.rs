//! Durations and timestamps as text.

const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// Formats a duration in seconds as CEL does: `1.5s`.
#[must_use]
pub fn seconds(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let whole = nanos.unsigned_abs().div_euclid(NANOS.unsigned_abs());
    let rest = nanos.unsigned_abs().rem_euclid(NANOS.unsigned_abs());
    let fraction = format!(".{rest:09}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{sign}{whole}{fraction}s")
}

/// Formats a timestamp as RFC 3339 in UTC, with as many fractional digits as needed.
#[must_use]
pub fn rfc3339(nanos: i64) -> String {
    let fraction = format!(".{:09}", nanos.rem_euclid(NANOS));
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{}{fraction}Z", rfc3339_seconds(nanos))
}

/// Formats a timestamp as RFC 3339 in UTC, with milliseconds.
#[must_use]
pub fn rfc3339_millis(nanos: i64) -> String {
    let millis = nanos.rem_euclid(NANOS).div_euclid(1_000_000);
    format!("{}.{millis:03}Z", rfc3339_seconds(nanos))
}

fn rfc3339_seconds(nanos: i64) -> String {
    let seconds = nanos.div_euclid(NANOS);
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let (hour, minute) = (second.div_euclid(3600), second.rem_euclid(3600).div_euclid(60));
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}", second.rem_euclid(60))
}

/// Returns the Gregorian year, month and day that is `days` after 1970-01-01.
///
/// Years are counted from March, so that a leap day is their last day. 400 years have 146,097 days.
#[expect(clippy::arithmetic_side_effects, reason = "`i64` nanoseconds are at most 106,752 days")]
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year + (month <= 2) as i64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn timestamps_are_formatted_as_rfc_3339() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
            (1_795_242_368_120_000_000, "2026-11-21T06:26:08.12Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
            (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
        ] {
            assert_eq!(rfc3339(nanos), text);
        }
        assert_eq!(rfc3339_millis(1_795_242_368_120_456_789), "2026-11-21T06:26:08.120Z");
    }

    #[test]
    fn durations_are_formatted_in_seconds() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "0.000000001s"),
            (-1_500_000_000, "-1.5s"),
            (90_000_000_000, "90s"),
            (i64::MIN, "-9223372036.854775808s"),
        ] {
            assert_eq!(seconds(nanos), text);
        }
    }
}
