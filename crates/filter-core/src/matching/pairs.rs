//! Query parameters and cookies in all readings that an application may give them.

use std::borrow::Cow;

use super::Occurrences;
use crate::{Headers, percent_decode};

/// Names and values in order.
pub(super) type Pairs<'r> = Vec<(Cow<'r, [u8]>, Cow<'r, [u8]>)>;

/// Splits a query. The first reading splits at `&` and decodes names and values once.
///
/// If occurrences must agree, further readings also split at `;`, read `+` as a blank, and decode
/// twice. Each of these applies only if it changes the result.
pub(super) fn parameters(query: &[u8], occurrences: Occurrences) -> Vec<Pairs<'_>> {
    let choices = |is_relevant: bool| match occurrences {
        Occurrences::Agreeing if is_relevant => &[false, true][..],
        Occurrences::Agreeing | Occurrences::Any => &[false],
    };
    let semicolon = choices(query.contains(&b';'));
    let plus = choices(query.contains(&b'+'));
    let twice = choices(query.windows(3).any(|part| part == b"%25"));
    let mut readings = Vec::with_capacity(1);
    for splits_at_semicolon in semicolon.iter().copied() {
        for plus_is_blank in plus.iter().copied() {
            for decodes_twice in twice.iter().copied() {
                let syntax = QuerySyntax { splits_at_semicolon, plus_is_blank, decodes_twice };
                readings.push(syntax.split(query));
            }
        }
    }
    readings
}

/// A syntax of query parameters.
#[derive(Clone, Copy)]
struct QuerySyntax {
    splits_at_semicolon: bool,
    plus_is_blank: bool,
    decodes_twice: bool,
}

impl QuerySyntax {
    fn split(self, query: &[u8]) -> Pairs<'_> {
        let pairs =
            query.split(|byte| *byte == b'&' || (self.splits_at_semicolon && *byte == b';'));
        let pairs = pairs.filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let mut halves = pair.splitn(2, |byte| *byte == b'=');
                let mut half = || self.read(halves.next().unwrap_or_default());
                (half(), half())
            })
            .collect()
    }

    fn read(self, text: &[u8]) -> Cow<'_, [u8]> {
        if self.plus_is_blank && text.contains(&b'+') {
            let spaced = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte });
            let spaced: Vec<u8> = spaced.collect();
            return Cow::Owned(self.decoded(&spaced).into_owned());
        }
        self.decoded(text)
    }

    fn decoded(self, text: &[u8]) -> Cow<'_, [u8]> {
        match percent_decode(text) {
            Cow::Owned(once) if self.decodes_twice => {
                Cow::Owned(percent_decode(&once).into_owned())
            }
            once => once,
        }
    }
}

/// Splits cookies. The first reading removes quotes around a value.
///
/// If occurrences must agree, further readings keep the quotes, and decode names and values. Each
/// of these applies only if a cookie has quotes or escapes.
pub(super) fn cookies(headers: &Headers, occurrences: Occurrences) -> Vec<Pairs<'_>> {
    let plain = || crate::cookies(headers);
    let mut readings: Vec<Pairs<'_>> =
        vec![plain().map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value))).collect()];
    if occurrences == Occurrences::Any {
        return readings;
    }
    let has = |mark: u8| headers.all("cookie").any(|value| value.contains(&mark));
    if has(b'"') {
        let raw = crate::raw_cookies(headers);
        readings.push(raw.map(|(n, v)| (Cow::Borrowed(n), Cow::Borrowed(v))).collect());
    }
    if has(b'%') {
        readings.push(plain().map(|(n, v)| (percent_decode(n), percent_decode(v))).collect());
    }
    readings
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn shown(readings: &[Pairs<'_>]) -> Vec<String> {
        let pair = |(name, value): &(Cow<'_, [u8]>, Cow<'_, [u8]>)| {
            format!("{}={}", name.escape_ascii(), value.escape_ascii())
        };
        let line = |pairs: &Pairs<'_>| pairs.iter().map(pair).collect::<Vec<_>>().join("|");
        readings.iter().map(line).collect()
    }

    #[test]
    fn splits_a_query_in_all_readings() {
        for (query, readings) in [
            ("a=1&b=2", &["a=1|b=2"][..]),
            ("a=1;b=2", &["a=1;b=2", "a=1|b=2"]),
            ("a=x+y", &["a=x+y", "a=x y"]),
            ("a=%2531", &["a=%31", "a=1"]),
            ("%61=%31", &["a=1"]),
            ("a=1+;b", &["a=1+;b", "a=1 ;b", "a=1+|b=", "a=1 |b="]),
        ] {
            let found = parameters(query.as_bytes(), Occurrences::Agreeing);
            assert_eq!(shown(&found), readings, "{query}");
            let first = parameters(query.as_bytes(), Occurrences::Any);
            assert_eq!(shown(&first), readings[..1], "{query}");
        }
    }

    #[test]
    fn splits_cookies_in_all_readings() {
        for (cookie, readings) in [
            ("a=1; b=2", &["a=1|b=2"][..]),
            ("a=\"1\"", &["a=1", "a=\\\"1\\\""]),
            ("%61=%31", &["%61=%31", "a=1"]),
        ] {
            let headers = Headers::from_iter([("cookie", cookie)]);
            assert_eq!(shown(&cookies(&headers, Occurrences::Agreeing)), readings, "{cookie}");
            assert_eq!(shown(&cookies(&headers, Occurrences::Any)), readings[..1], "{cookie}");
        }
    }
}
