//! The freshness of answers (RFC 9111 sections 4.2.1, 5.2 and 5.3).

use std::time::Duration;

use time::{Date, Month};

use crate::Headers;

/// Returns the freshness that the headers declare; `None` if they declare none.
///
/// `no-store` and `no-cache` count as zero.
pub(super) fn from_headers(headers: &Headers, now: Duration) -> Option<Duration> {
    let mut max_age = None;
    for value in headers.all("cache-control") {
        for directive in value.split(|byte| *byte == b',') {
            match parse_directive(directive) {
                Some(Directive::NoCache) => return Some(Duration::ZERO),
                Some(Directive::MaxAge(age)) => max_age = max_age.or(Some(age)),
                None => {}
            }
        }
    }
    max_age.or_else(|| {
        let expires = headers.first("expires")?;
        Some(http_date(expires).unwrap_or_default().saturating_sub(now))
    })
}

enum Directive {
    NoCache,
    MaxAge(Duration),
}

fn parse_directive(text: &[u8]) -> Option<Directive> {
    let text = std::str::from_utf8(text).ok()?.trim().to_ascii_lowercase();
    if text == "no-store" || text == "no-cache" {
        return Some(Directive::NoCache);
    }
    let seconds = text.strip_prefix("max-age=")?.trim_matches('"');
    let is_number = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    // A number that does not fit is the longest time.
    is_number.then(|| Directive::MaxAge(Duration::from_secs(seconds.parse().unwrap_or(u64::MAX))))
}

/// Parses an IMF-fixdate (RFC 9110 section 5.6.7) to the time since 1970.
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
    let is_gmt = parts.next() == Some("GMT") && parts.next().is_none();
    let instant = date.with_hms(hour, minute, second).ok()?.assume_utc();
    let seconds = u64::try_from(instant.unix_timestamp()).ok()?;
    is_gmt.then_some(Duration::from_secs(seconds))
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn freshness(name: &str, value: &str) -> Option<u64> {
        let headers = Headers::from_iter([(name, value)]);
        from_headers(&headers, Duration::from_secs(1_000_000_000))
            .map(|freshness| freshness.as_secs())
    }

    #[test]
    fn reads_cache_control() {
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
            assert_eq!(freshness("cache-control", value), seconds, "{value}");
        }
    }

    #[test]
    fn reads_expires() {
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
            assert_eq!(freshness("expires", value), Some(seconds), "{value}");
        }
    }

    #[test]
    fn prefers_max_age_to_expires() {
        let headers = Headers::from_iter([("expires", "0"), ("cache-control", "max-age=5")]);
        assert_eq!(from_headers(&headers, Duration::ZERO), Some(Duration::from_secs(5)));
        assert_eq!(from_headers(&Headers::default(), Duration::ZERO), None);
    }
}
