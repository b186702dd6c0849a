use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn rules(document: Value) -> String {
    Rules::new(&serde_json::from_value(document).unwrap()).to_string()
}

fn shipped(is_labelled: bool) -> Value {
    json!({
        "metrics": [{"labels": is_labelled}],
        "slos": [{"name": "checkout", "objective": 99.9}],
    })
}

#[test]
fn matches_the_shipped_files() {
    let clean = include_str!("../../../../observability/prometheus/clean.rules.yaml");
    let labelled = include_str!("../../../../observability/prometheus/labelled.rules.yaml");
    assert_eq!(rules(shipped(false)), clean);
    assert_eq!(rules(shipped(true)), labelled);
}

#[test]
fn the_prefix_applies_to_traffic_metrics_only() {
    for is_labelled in [false, true] {
        let mut document = shipped(is_labelled);
        document["metrics"][0]["prefix"] = json!("shop");
        let written = rules(document)
            .replace("shop-", "weir-telemetry-")
            .replace("name: shop\n", "name: weir-telemetry\n");
        for internal in
            ["spans_dropped", "logs_dropped", "export_failures", "expression_errors", "overflow"]
        {
            assert!(!written.contains(&format!("shop_{internal}")), "{internal}");
        }
        assert!(!written.contains("weir_telemetry_requests_total"));
        assert_eq!(written.replace("shop_", "weir_telemetry_"), rules(shipped(is_labelled)));
    }
}

#[test]
fn alerts_on_the_budget_of_each_objective() {
    let slos = json!([
        {"name": "checkout", "objective": 99.95},
        {"name": "search", "objective": 50},
        {"name": "rest"},
    ]);
    let written = rules(json!({"slos": slos}));
    for part in [
        r#"ratio_1h{slo="checkout"} > 14.4 * 0.0005 and weir:slo_error_budget:ratio_5m{slo="checkout"} > 14.4 * 0.0005 or "#,
        r#" or weir:slo_error_budget:ratio_6h{slo="search"} > 6 * 0.5 and "#,
        "rate(weir_telemetry_slo_rest_good_total[3d])",
    ] {
        assert!(written.contains(part), "{part} is not in\n{written}");
    }
    assert!(!written.contains(r#"{slo="rest"}"#));
    for document in [json!({}), json!({"slos": [{"name": "rest"}]})] {
        assert!(!rules(document).contains("WeirSloBurn"));
    }
    assert!(!rules(json!({})).contains("slo_"));
}

#[test]
fn keeps_all_digits_of_the_highest_objective() {
    let written = rules(json!({"slos": [{"name": "a", "objective": 99.9999}]}));
    assert!(written.contains("> 14.4 * 0.000001 and"), "{written}");
}

#[test]
fn renders_stat_tags_for_istio_and_envoy() {
    let labels = ["reporter", "slo"];
    assert_eq!(extra_stat_tags(&labels), "extraStatTags:\n- reporter\n- slo\n");
    let tags = "stats_config:\n  stats_tags:\n  \
        - {tag_name: reporter, regex: '(\\.reporter=\\.=(.*?);\\.;)'}\n  \
        - {tag_name: slo, regex: '(\\.slo=\\.=(.*?);\\.;)'}\n";
    assert_eq!(stats_tags(&labels), tags);
}
