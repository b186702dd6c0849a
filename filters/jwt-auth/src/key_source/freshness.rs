//! How long an answer is fresh (RFC 9111 sections 4.2.1, 5.2 and 5.3).

use std::time::Duration;

use filter_core::Headers;
use time::{Date, Month};

/// Returns what the server says, `None` if it says nothing.
///
/// `no-store` and `no-cache` count as zero: the shortest freshness there is.
pub(super) fn of(headers: &Headers, now: Duration) -> Option<Duration> {
    let mut said = None;
    for value in headers.all("cache-control") {
        for directive in value.split(|byte| *byte == b',') {
            match directive_of(directive) {
                Some(Directive::DoNotKeep) => return Some(Duration::ZERO),
                Some(Directive::MaxAge(age)) => said = said.or(Some(age)),
                None => {}
            }
        }
    }
    said.or_else(|| {
        let expires = headers.first("expires")?;
        Some(http_date(expires).unwrap_or_default().saturating_sub(now))
    })
}

enum Directive {
    DoNotKeep,
    MaxAge(Duration),
}

fn directive_of(text: &[u8]) -> Option<Directive> {
    let text = std::str::from_utf8(text).ok()?.trim().to_ascii_lowercase();
    if text == "no-store" || text == "no-cache" {
        return Some(Directive::DoNotKeep);
    }
    let seconds = text.strip_prefix("max-age=")?.trim_matches('"');
    let digits = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    // A number too long to be read means a long time.
    digits.then(|| Directive::MaxAge(Duration::from_secs(seconds.parse().unwrap_or(u64::MAX))))
}

/// Reads an IMF-fixdate (RFC 9110 section 5.6.7) as the time since 1970.
fn http_date(text: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?;
    let mut parts = text.split_once(", ")?.1.split(' ');
    let day = parts.next()?.parse().ok()?;
    let month = parts.next()?;
    let month = MONTHS.iter().zip(1_u8..).find(|(name, _)| **name == month)?.1;
    let year = parts.next()?.parse().ok()?;
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
    let mut clock = parts.next()?.splitn(3, ':').map(|part| part.parse::<u8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let in_gmt = parts.next() == Some("GMT") && parts.next().is_none();
    let instant = date.with_hms(hour, minute, second).ok()?.assume_utc();
    let seconds = u64::try_from(instant.unix_timestamp()).ok()?;
    in_gmt.then_some(Duration::from_secs(seconds))
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn said(name: &str, value: &str) -> Option<u64> {
        let headers = Headers::from_iter([(name, value)]);
        of(&headers, Duration::from_secs(1_000_000_000)).map(|freshness| freshness.as_secs())
    }

    #[test]
    fn cache_control_is_read_as_the_rfc_says() {
        for (value, seconds) in [
            ("max-age=60", Some(60)),
            ("public, Max-Age=\"60\", must-revalidate", Some(60)),
            ("max-age=60, no-store", Some(0)),
            ("no-cache", Some(0)),
            ("max-age=99999999999999999999999", Some(u64::MAX)),
            ("max-age=-1", None),
            ("max-age=", None),
            ("s-maxage=60", None),
            ("private", None),
        ] {
            assert_eq!(said("cache-control", value), seconds, "{value}");
        }
    }

    #[test]
    fn expires_counts_from_now() {
        for (value, seconds) in [
            ("Sun, 09 Sep 2001 01:47:40 GMT", 60),
            ("Sun, 09 Sep 2001 01:46:00 GMT", 0),
            ("Thu, 01 Mar 2012 00:00:00 GMT", 330_560_000),
            ("Wed, 29 Feb 2012 00:00:00 GMT", 330_473_600),
            ("0", 0),
            ("Sun, 09 Foo 2001 01:47:40 GMT", 0),
            ("Sun, 09 Sep 2001 01:47:40 CET", 0),
            ("Sun, 09 Sep 2001 25:47:40 GMT", 0),
        ] {
            assert_eq!(said("expires", value), Some(seconds), "{value}");
        }
    }

    #[test]
    fn max_age_wins_over_expires() {
        let headers = Headers::from_iter([("expires", "0"), ("cache-control", "max-age=5")]);
        assert_eq!(of(&headers, Duration::ZERO), Some(Duration::from_secs(5)));
        assert_eq!(of(&Headers::default(), Duration::ZERO), None);
    }
}
