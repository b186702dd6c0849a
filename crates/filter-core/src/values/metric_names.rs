//! Names and labels of metrics.

use schemars::JsonSchema;
use serde::Deserialize;

/// Metrics of the filter.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricsConfig {
    /// Encodes labels in metric names (`name.reason=.=expired;.;`). Istio extracts each label that
    /// is listed in `extraStatTags`. Default: `false`, names without labels that need no further
    /// setup.
    #[serde(default)]
    pub labels: bool,
}

/// Texts that Istio's tag patterns match; their dots are encoded in label values.
const PATTERN_TEXTS: [&str; 8] = [
    "cache.",
    "component.",
    "tag.",
    "wasm_filter.",
    "rbac.",
    ".shadow_",
    ".istio_dry_run_",
    "wasmcustom.",
];

/// Encodes a value as a label in a metric's name; `unknown` if it is blank.
///
/// Printable ASCII is unchanged, except `;`, `=`, `"` and `\`. Other bytes are percent-encoded, as
/// is a percent sign that could be read as an encoded byte, so different values remain different.
/// Surrounding whitespace is removed. Dots are also encoded if one of Istio's tag patterns would
/// match.
///
/// ```
/// use filter_core::label_value;
///
/// assert_eq!(label_value(b"100%"), "100%");
/// assert_eq!(label_value("a;\u{e9}".as_bytes()), "a%3B%C3%A9");
/// ```
#[must_use]
pub fn label_value(value: &[u8]) -> String {
    let value = value.trim_ascii();
    if value.is_empty() {
        return "unknown".to_owned();
    }
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let [byte, after @ ..] = rest {
        let is_plain = match byte {
            b'%' => !matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()),
            byte => matches!(byte, 0x20..=0x7e) && !b";=\"\\".contains(byte),
        };
        if is_plain {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        rest = after;
    }
    if PATTERN_TEXTS.iter().any(|found| text.contains(found)) {
        return text.replace('.', "%2E");
    }
    text
}

/// Encodes a text as a part of a metric name; characters that Prometheus does not allow become `_`.
#[must_use]
pub fn metric_name_part(text: &str) -> String {
    let clean = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    text.chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::parse_config;

    #[test]
    fn labels_are_off_by_default() {
        assert!(!parse_config::<MetricsConfig>(b"{}").unwrap().labels);
        assert!(parse_config::<MetricsConfig>(br#"{"labels": true}"#).unwrap().labels);
    }

    #[test]
    fn escapes_label_values_and_keeps_them_distinct() {
        for (value, text) in [
            (&b"gold"[..], "gold"),
            (b" a b\t", "a b"),
            (b"", "unknown"),
            (b"  ", "unknown"),
            (b";.;", "%3B.%3B"),
            (b"=.=", "%3D.%3D"),
            (b"a\"b\\c", "a%22b%5Cc"),
            (b"\x00\x7f\x80\xff", "%00%7F%80%FF"),
            (b"/orders/{id}", "/orders/{id}"),
            (b"shop.example.com:8080", "shop.example.com:8080"),
            ("\u{4e2d}\u{56fd}".as_bytes(), "%E4%B8%AD%E5%9B%BD"),
            ("\u{65e5}\u{672c}".as_bytes(), "%E6%97%A5%E6%9C%AC"),
            (b"100%", "100%"),
            (b"50% off", "50% off"),
            (b"a%3Bb", "a%253Bb"),
            (b"%%3B", "%%253B"),
            (b"%;", "%%3B"),
            (b"cache.a.", "cache%2Ea%2E"),
            (b"cache_a_", "cache_a_"),
            (b"x.component.y.z", "x%2Ecomponent%2Ey%2Ez"),
            (b"tag.x;.", "tag%2Ex%3B%2E"),
            (b"wasm_filter.a.b", "wasm_filter%2Ea%2Eb"),
            (b"rbac.allowed", "rbac%2Eallowed"),
            (b"a.shadow_b", "a%2Eshadow_b"),
            (b"p.istio_dry_run_q", "p%2Eistio_dry_run_q"),
        ] {
            assert_eq!(label_value(value), text, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn name_parts_have_only_legal_characters() {
        for (text, part) in [("match v1", "match_v1"), ("a.b-c", "a_b_c"), ("aZ9_", "aZ9_")] {
            assert_eq!(metric_name_part(text), part);
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn an_encoded_value_can_be_decoded(
            bytes in "([ -~]|%[0-9A-F]{0,2}|cache\\.|\\PC|[\\x00-\\x1f]){0,12}",
        ) {
            let text = label_value(bytes.as_bytes());
            proptest::prop_assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            let decoded = crate::percent_decode(text.as_bytes());
            let bytes = bytes.as_bytes().trim_ascii();
            if !bytes.is_empty() {
                proptest::prop_assert_eq!(&*decoded, bytes);
            }
        }
    }
}
