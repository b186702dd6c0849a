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
fn the_shipped_files_are_those_of_the_defaults() {
    let clean = include_str!("../../../../observability/prometheus/clean.rules.yaml");
    let labelled = include_str!("../../../../observability/prometheus/labelled.rules.yaml");
    assert_eq!(rules(shipped(false)), clean);
    assert_eq!(rules(shipped(true)), labelled);
}

#[test]
fn another_prefix_is_in_every_name_of_the_traffic_and_in_no_other() {
    for is_labelled in [false, true] {
        let mut document = shipped(is_labelled);
        document["metrics"][0]["prefix"] = json!("shop");
        let written = rules(document)
            .replace("shop-", "weir-telemetry-")
            .replace("name: shop\n", "name: weir-telemetry\n");
        for own in
            ["spans_dropped", "logs_dropped", "export_failures", "expression_errors", "overflow"]
        {
            assert!(!written.contains(&format!("shop_{own}")), "{own}");
        }
        assert!(!written.contains("weir_telemetry_requests_total"));
        assert_eq!(written.replace("shop_", "weir_telemetry_"), rules(shipped(is_labelled)));
    }
}

#[test]
fn each_objective_has_its_own_budget_and_one_without_has_no_alert() {
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
    for none in [json!({}), json!({"slos": [{"name": "rest"}]})] {
        assert!(!rules(none).contains("WeirSloBurn"));
    }
    assert!(!rules(json!({})).contains("slo_"));
}

#[test]
fn the_highest_objective_keeps_all_its_digits() {
    let written = rules(json!({"slos": [{"name": "a", "objective": 99.9999}]}));
    assert!(written.contains("> 14.4 * 0.000001 and"), "{written}");
}

#[test]
fn patterns_of_labels_are_written_for_both_kinds_of_proxy() {
    let labels = ["reporter", "slo"];
    assert_eq!(extra_stat_tags(&labels), "extraStatTags:\n- reporter\n- slo\n");
    let patterns = "stats_config:\n  stats_tags:\n  \
        - {tag_name: reporter, regex: '(\\.reporter=\\.=(.*?);\\.;)'}\n  \
        - {tag_name: slo, regex: '(\\.slo=\\.=(.*?);\\.;)'}\n";
    assert_eq!(stats_tags(&labels), patterns);
}
