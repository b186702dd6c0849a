//! Preferences in `accept` headers.

/// Specificity of a matching media range, from no match to a named subtype.
#[derive(Clone, Copy, Default, Eq, Ord, PartialEq, PartialOrd)]
enum Fit {
    #[default]
    None,
    Anything,
    AnySubtype,
    Named,
}

/// Weight of the most specific matching range, in thousandths.
#[derive(Clone, Copy, Default)]
struct Weight {
    fit: Fit,
    thousandths: u16,
}

impl Weight {
    fn consider(&mut self, fit: Fit, thousandths: u16) {
        if fit > self.fit {
            *self = Self { fit, thousandths };
        } else if fit == self.fit && fit != Fit::None {
            self.thousandths = self.thousandths.max(thousandths);
        }
    }
}

/// Returns `true` if text has more weight than JSON.
///
/// Any named subtype of `text` counts, so browsers, which ask for HTML, get text; any JSON subtype
/// counts likewise. Invalid ranges are ignored.
pub(super) fn prefers_text(accept: &[u8]) -> bool {
    let (mut text, mut json) = (Weight::default(), Weight::default());
    for range in accept.split(|byte| *byte == b',') {
        let Some((media, thousandths)) = std::str::from_utf8(range).ok().and_then(parse) else {
            continue;
        };
        let (text_fit, json_fit) = fits(&media);
        text.consider(text_fit, thousandths);
        json.consider(json_fit, thousandths);
    }
    text.thousandths > json.thousandths
}

fn fits(media: &str) -> (Fit, Fit) {
    match media {
        "*/*" => (Fit::Anything, Fit::Anything),
        "text/*" => (Fit::AnySubtype, Fit::None),
        "application/*" => (Fit::None, Fit::AnySubtype),
        "application/json" => (Fit::None, Fit::Named),
        _ if media.starts_with("application/") && media.ends_with("+json") => {
            (Fit::None, Fit::Named)
        }
        _ if media.starts_with("text/") => (Fit::Named, Fit::None),
        _ => (Fit::None, Fit::None),
    }
}

/// Splits a range into its media type in lower case and its weight.
fn parse(range: &str) -> Option<(String, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next()?.to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some((media, weight.map_or(Some(1000), thousandths)?))
}

/// Reads a weight of RFC 9110 section 12.4.2: 0 to 1 with at most three decimals.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, decimals) {
        ("0", decimals) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn text_is_chosen_where_it_weighs_more() {
        for (accept, text) in [
            ("text/plain", true),
            ("TEXT/Plain; charset=utf-8", true),
            ("text/*", true),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("application/json;q=0.5, text/plain;q=0.6", true),
            ("*/*, application/json;q=0", true),
            ("*/*", false),
            ("", false),
            ("image/png", false),
            ("application/json", false),
            ("application/problem+json, text/plain", false),
            ("application/vnd.api+json, text/html;q=0.9", false),
            ("application/*, text/plain;q=0.999", false),
            ("text/plain;q=0", false),
            ("*/*;q=0.1, text/plain;q=0", false),
            ("text/plain;q=7", false),
            ("text/plain;q=0.1234", false),
            ("text/plain;q=", false),
        ] {
            assert_eq!(prefers_text(accept.as_bytes()), text, "{accept}");
        }
    }

    #[test]
    fn unreadable_ranges_are_passed_over() {
        assert!(prefers_text(b"\xff/\xfe, text/plain"));
        assert!(!prefers_text(b";;,,q=\xff"));
    }
}
