//! Names of series, with labels in the form that Envoy's tag patterns extract.

use std::fmt::{self, Display};

/// The name of a series with its labels: `<family>.<label>=.=<value>;.;…`.
#[derive(Clone, Copy, Debug)]
pub struct LabelledName<'a> {
    /// The full name of the family.
    pub family: &'a str,
    /// The names and values of the labels, encoded by [`filter_core::label_value`].
    pub labels: &'a [(&'a str, String)],
}

impl Display for LabelledName<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.family)?;
        for (label, value) in self.labels {
            write!(out, ".{label}=.={value};.;")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn labels_follow_the_family_in_order() {
        let labels = [("method", "GET".to_owned()), ("code", "200".to_owned())];
        let name = LabelledName { family: "weir_x_total", labels: &labels }.to_string();
        assert_eq!(name, "weir_x_total.method=.=GET;.;.code=.=200;.;");
        assert_eq!(LabelledName { family: "weir_x", labels: &[] }.to_string(), "weir_x");
    }
}
