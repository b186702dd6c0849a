//! How metrics are named.

use schemars::JsonSchema;
use serde::Deserialize;

/// The `metrics` field of every filter.
///
/// Empty means metric names without labels, which are clean in Prometheus with no further setup.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricsConfig {
    /// Whether names carry label segments (`name.reason=.=expired;.;`), which Istio splits off when
    /// each label is listed in `extraStatTags`.
    #[serde(default)]
    pub labels: bool,
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::parse_config;

    #[test]
    fn carries_no_labels_unless_asked() {
        assert!(!parse_config::<MetricsConfig>(b"{}").unwrap().labels);
        assert!(parse_config::<MetricsConfig>(br#"{"labels": true}"#).unwrap().labels);
    }
}
