//! Names of series: labels in the form that Envoy's tag patterns split off.

use std::fmt::{self, Display};

/// The name of a series with its labels: `<family>.<label>=.=<value>;.;…`.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// The family's whole name.
    pub family: &'a str,
    /// Names of labels and their values, which [`escaped`] made fit.
    pub labels: &'a [(&'a str, String)],
}

impl Display for Labelled<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.family)?;
        for (label, value) in self.labels {
            write!(out, ".{label}=.={value};.;")?;
        }
        Ok(())
    }
}

/// What Istio's own tag patterns look for, without their dots: in a value, its dots become `_`.
const BITTEN: [&str; 8] = [
    "cache.",
    "component.",
    "tag.",
    "wasm_filter.",
    "rbac.",
    ".shadow_",
    ".istio_dry_run_",
    "wasmcustom.",
];

/// Makes text fit for the value of a label in a name.
///
/// Printable ASCII stays, but for `;`, `=`, `"` and `\`; every other byte becomes `_`. Blanks around
/// it go, and nothing left is `unknown`. Where one of Istio's patterns would bite, dots become `_`.
#[must_use]
pub fn escaped(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.trim_ascii() {
        let stays = matches!(byte, 0x20..=0x7e) && !b";=\"\\".contains(byte);
        text.push(if stays { char::from(*byte) } else { '_' });
    }
    if text.is_empty() {
        return "unknown".to_owned();
    }
    if BITTEN.iter().any(|bitten| text.contains(bitten)) {
        return text.replace('.', "_");
    }
    text
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn labels_stand_behind_the_family_in_their_order() {
        let labels = [("method", "GET".to_owned()), ("code", "200".to_owned())];
        let name = Labelled { family: "weir_x_total", labels: &labels }.to_string();
        assert_eq!(name, "weir_x_total.method=.=GET;.;.code=.=200;.;");
        assert_eq!(Labelled { family: "weir_x", labels: &[] }.to_string(), "weir_x");
    }

    #[test]
    fn hostile_values_become_harmless() {
        for (value, text) in [
            (&b"gold"[..], "gold"),
            (b" a b\t", "a b"),
            (b"", "unknown"),
            (b"  ", "unknown"),
            (b";.;", "_._"),
            (b"=.=", "_._"),
            (b"a\"b\\c", "a_b_c"),
            (b"\x00\x7f\x80\xff", "____"),
            (b"/orders/{id}", "/orders/{id}"),
            (b"shop.example.com:8080", "shop.example.com:8080"),
            (b"cache.a.", "cache_a_"),
            (b"x.component.y.z", "x_component_y_z"),
            (b"tag.x;.", "tag_x__"),
            (b"wasm_filter.a.b", "wasm_filter_a_b"),
            (b"rbac.allowed", "rbac_allowed"),
            (b"a.shadow_b", "a_shadow_b"),
            (b"p.istio_dry_run_q", "p_istio_dry_run_q"),
        ] {
            assert_eq!(escaped(value), text, "{}", value.escape_ascii());
        }
    }
}
