//! Metrics with labels in Prometheus format.

mod hostile;

use anyhow::Result;
use hyper::Method;
use serde_json::json;
use telemetry::Policy;
use tests::{
    bootstrap::EnvoyOptions,
    client::Request,
    envoy::Envoy,
    upstream::{REPLY_STATUS, Upstream},
};

use super::{Fixture, filter, prometheus::Scrape};

#[test]
fn exports_labels_and_one_family_per_metric() -> Result<()> {
    let fixture = Fixture::start_labelled(
        1,
        &json!({
            "operations": [
                {"pathTemplate": "/orders/{id}", "name": "getOrder"},
                {"pathTemplate": "/orders", "methods": ["POST"], "name": "createOrder"},
            ],
            "metrics": [{"labels": true, "overrides": [
                {"tagOverrides": {"cluster": {"value": "'production'"}}},
                {"match": {"metric": "REQUEST_COUNT"}, "tagOverrides": {
                    "reporter": {"operation": "REMOVE"},
                    "plan": {"value": "request.headers['x-plan']", "lower": true,
                        "map": {"gold": "paid", "silver": "paid", "free": "free"}},
                }},
            ]}],
        }),
    )?;
    let client = fixture.envoy.http1();
    client.send(Request::get("/orders/7?token=secret").header("x-plan", "GOLD"))?;
    client
        .send(Request::get("/orders/8").header("x-plan", "silver").header(REPLY_STATUS, "503"))?;
    client.send(Request::new(Method::POST, "/orders").header("x-plan", "evil;.;"))?;
    client.send(Request::get("/else"))?;
    let scrape = Scrape::when(&fixture.envoy, "weir_telemetry_requests_total", 4)?;
    for (labels, value) in [
        (
            r#"request_method="GET",request_operation="getOrder",response_code="200",plan="paid",cluster="production""#,
            1,
        ),
        (
            r#"request_method="GET",request_operation="getOrder",response_code="503",plan="paid",cluster="production""#,
            1,
        ),
        (
            r#"request_method="POST",request_operation="createOrder",response_code="200",plan="other",cluster="production""#,
            1,
        ),
        (
            r#"request_method="GET",request_operation="other",response_code="200",plan="unknown",cluster="production""#,
            1,
        ),
    ] {
        assert_eq!(scrape.value("weir_telemetry_requests_total", labels), Some(value), "{labels}");
    }
    assert_eq!(scrape.sum("weir_telemetry_requests_total"), 4);
    assert_eq!(scrape.sum("weir_telemetry_requests_in_flight"), 0);
    let errors = r#"reporter="unknown",request_method="GET",request_operation="getOrder",cluster="production""#;
    assert_eq!(scrape.value("weir_telemetry_request_errors_total", errors), Some(1));
    assert!(!scrape.text().contains("secret") && !scrape.text().contains("evil"));
    scrape.assert_clean("weir_telemetry")
}

#[test]
fn accepts_a_pasted_istio_metrics_block() -> Result<()> {
    let config = json!({"metrics": [{"providers": [{"name": "prometheus"}], "overrides": [
        {"match": {"metric": "REQUEST_COUNT"}, "tagOverrides": {
            "request_host": {"value": "request.host"},
            "destination_port": {"value": "string(destination.port)"}}},
        {"tagOverrides": {
            "tenant": {"value": "request.headers['x-tenant']"},
            "cc_tenant": {"value": "request.headers['x-cc-tenant']"},
            "a_label_with_a_name-of.more_than_32_letters": {"value": "'x'"}}},
    ]}]});
    let policy = Policy::new(&serde_json::from_value(config.clone())?, &|_| None)?;
    let tag = |name: &str| json!({"tag_name": name, "regex": format!(r"({name}=\.=(.*?);\.;)")});
    // The pattern of Istio's extraStatTags has no dot before the name.
    let tags: Vec<_> = policy.stat_tags().into_iter().map(tag).collect();
    let app = Upstream::start()?;
    let mut options = EnvoyOptions::new(app.address(), vec![filter(&config)]);
    options.stats_config = Some(json!({"use_all_default_tags": false, "stats_tags": tags}));
    let mut envoy = Envoy::start(options)?;
    for tenant in ["中国", "日本"] {
        let request = Request::get("/").header("x-tenant", tenant).header("x-cc-tenant", "other");
        envoy.http1().send(request)?;
    }
    let scrape = Scrape::when(&envoy, "weir_telemetry_requests_total", 2)?;
    for tenant in ["%E4%B8%AD%E5%9B%BD", "%E6%97%A5%E6%9C%AC"] {
        let port = envoy.address().port();
        let labels = format!(
            r#"a_label_with_a_name_of_more_than_32_letters="x",cc_tenant="other",destination_port="{port}",reporter="unknown",request_host="app.example.com",request_method="GET",response_code="200",tenant="{tenant}""#
        );
        let value = scrape.value("weir_telemetry_requests_total", &labels);
        assert_eq!(value, Some(1), "{labels}\n{}", scrape.text());
    }
    let log = envoy.stop()?;
    let warning = format!(
        "list them in extraStatTags (plain Envoy: stats_tags): {}",
        policy.stat_tags().join(", ")
    );
    assert!(log.contains(&warning), "{log}");
    Ok(())
}

#[test]
fn limits_apply_per_proxy_and_overflow_is_counted() -> Result<()> {
    let fixture = Fixture::start_labelled(
        4,
        &json!({"metrics": [{
            "labels": true, "maxSeries": 20, "maxValues": 10,
            "definitions": [
                {"name": "by_user", "dimensions": {"user": {"value": "request.headers['x-user']"}}},
                {"name": "by_pair", "dimensions": {
                    "user": {"value": "request.headers['x-user']"},
                    "item": {"value": "request.headers['x-item']"}}},
            ],
        }]}),
    )?;
    for number in 0..200 {
        let user = format!("user-{number}");
        let item = format!("item-{}", number / 7);
        fixture
            .envoy
            .http1()
            .send(Request::get("/").header("x-user", user).header("x-item", item))?;
    }
    let scrape = Scrape::when(&fixture.envoy, "weir_telemetry_requests_total", 200)?;
    for (metric, max) in [("by_user_total", 11), ("by_pair_total", 20)] {
        let name = format!("weir_telemetry_{metric}");
        assert!(scrape.series(&name) <= max, "{metric}: {}", scrape.series(&name));
        assert_eq!(scrape.sum(&name), 200);
    }
    let folded = scrape.value("weir_telemetry_by_user_total", r#"user="other""#);
    assert_eq!(folded, Some(190));
    let overflow = r#"metric="weir_telemetry_by_user_total""#;
    assert_eq!(scrape.value("weir_telemetry_overflow_total", overflow), Some(190));
    Ok(())
}
