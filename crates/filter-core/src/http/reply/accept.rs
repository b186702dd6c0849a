//! Content negotiation by the `accept` header.

/// The specificity of a media range, from no match to a named subtype.
#[derive(Clone, Copy, Default, Eq, Ord, PartialEq, PartialOrd)]
enum Specificity {
    #[default]
    None,
    Anything,
    AnySubtype,
    Named,
}

/// The weight of the most specific matching range, in thousandths.
#[derive(Clone, Copy, Default)]
struct Weight {
    specificity: Specificity,
    thousandths: u16,
}

impl Weight {
    fn consider(&mut self, specificity: Specificity, thousandths: u16) {
        if specificity > self.specificity {
            *self = Self { specificity, thousandths };
        } else if specificity == self.specificity && specificity != Specificity::None {
            self.thousandths = self.thousandths.max(thousandths);
        }
    }
}

/// Returns `true` if text has more weight than JSON.
///
/// All named subtypes of `text` count as text, so that a browser, which asks for HTML, gets text.
/// Likewise, all JSON subtypes count as JSON. Invalid ranges are ignored.
pub(super) fn prefers_text(accept: &[u8]) -> bool {
    let (mut text, mut json) = (Weight::default(), Weight::default());
    for range in accept.split(|byte| *byte == b',') {
        let Some((media, thousandths)) = std::str::from_utf8(range).ok().and_then(parse) else {
            continue;
        };
        let (text_specificity, json_specificity) = specificities(&media);
        text.consider(text_specificity, thousandths);
        json.consider(json_specificity, thousandths);
    }
    text.thousandths > json.thousandths
}

/// Returns the specificity of a range for text and for JSON.
fn specificities(media: &str) -> (Specificity, Specificity) {
    match media {
        "*/*" => (Specificity::Anything, Specificity::Anything),
        "text/*" => (Specificity::AnySubtype, Specificity::None),
        "application/*" => (Specificity::None, Specificity::AnySubtype),
        "application/json" => (Specificity::None, Specificity::Named),
        _ if media.starts_with("application/") && media.ends_with("+json") => {
            (Specificity::None, Specificity::Named)
        }
        _ if media.starts_with("text/") => (Specificity::Named, Specificity::None),
        _ => (Specificity::None, Specificity::None),
    }
}

/// Splits a range into its media type in lower case and its weight.
fn parse(range: &str) -> Option<(String, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next()?.to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some((media, weight.map_or(Some(1000), thousandths)?))
}

/// Parses a weight (RFC 9110 section 12.4.2): 0 to 1 with at most three decimals.
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
    fn prefers_text_if_it_has_more_weight() {
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
    fn ignores_invalid_ranges() {
        assert!(prefers_text(b"\xff/\xfe, text/plain"));
        assert!(!prefers_text(b";;,,q=\xff"));
    }
}
