//! The shipped rules and dashboard, checked with promtool and a real Prometheus.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    bootstrap::EnvoyOptions,
    client::Request,
    envoy::Envoy,
    process::wait_until,
    prometheus::{Prometheus, dashboard_queries, promtool},
    repository,
    upstream::Upstream,
};

use super::{Fixture, filter};

/// Timeout until Prometheus has scraped and evaluated.
const TIMEOUT: Duration = Duration::from_secs(40);
/// Number of rules in the file.
const RULES: usize = 12;

fn folder() -> PathBuf {
    repository::root().join("observability/prometheus")
}

/// Limits that refuse, hold and count concurrent requests.
fn document(is_labelled: bool) -> Value {
    json!({
        "limits": [{"name": "open", "concurrent": 100}],
        "http": [
            {"match": [{"uri": {"prefix": "/slow"}}],
                "limits": [{"name": "slow", "requests": 20, "per": "1s", "burst": 1, "wait": "1s"}]},
            {"limits": [{"name": "login-ip", "requests": 3, "per": "1h",
                "key": [{"httpHeaderName": "x-user"}]}]},
        ],
        "metrics": {"labels": is_labelled},
    })
}

/// Starts Envoy with the filter, and a Prometheus that scrapes it.
fn start(is_labelled: bool) -> Result<(Fixture, Prometheus)> {
    let app = Upstream::start()?;
    let mut options = EnvoyOptions::new(app.address(), vec![filter(&document(is_labelled))]);
    options.stats_config =
        Some(json!({"stats_tags": [{"tag_name": "limit", "regex": r"(\.limit=\.=(.*?);\.;)"}]}));
    options.stats_flush = Some("1s".to_owned());
    let envoy = Envoy::start(options)?;
    let rules = folder().join("rate-limit.rules.yaml");
    let prometheus = Prometheus::start(envoy.admin_address(), &[&rules])?;
    Ok((Fixture { envoy, app }, prometheus))
}

/// Sends requests that are admitted, held and refused.
fn send(fixture: &Fixture) -> Result<()> {
    let client = fixture.envoy.http1();
    for _ in 0..20 {
        client.send(Request::get("/").header("x-user", "a"))?;
    }
    client.get("/slow")?;
    client.get("/slow").map(drop)
}

#[test]
fn promtool_accepts_the_rules_and_their_tests() -> Result<()> {
    let output = promtool(&["check", "rules", "rate-limit.rules.yaml"], &folder(), b"")?;
    assert!(output.contains(&format!("SUCCESS: {RULES} rules found")), "{output}");
    let output = promtool(&["test", "rules", "rate-limit.test.yaml"], &folder(), b"")?;
    assert!(output.contains("SUCCESS"), "{output}");
    Ok(())
}

#[test]
fn rules_and_dashboard_have_data() -> Result<()> {
    for is_labelled in [false, true] {
        let (fixture, prometheus) = start(is_labelled)?;
        let limit = if is_labelled { "login-ip" } else { "login_ip" };
        for rising in [
            "weir:rate_limit_denied:ratio_rate5m > 0.1".to_owned(),
            format!(r#"weir:rate_limit_limit_denied:rate5m{{limit="{limit}"}} > 0"#),
            "weir:rate_limit_near_limit:ratio_rate5m > 0".to_owned(),
            "weir:rate_limit_wait_ms:p99_5m > 0".to_owned(),
        ] {
            wait_until(&rising, TIMEOUT, || {
                send(&fixture)?;
                Ok(!prometheus.query(&rising)?.is_empty())
            })?;
        }
        for query in dashboard_queries("rate-limit")? {
            wait_until(&query, TIMEOUT, || Ok(!prometheus.query(&query)?.is_empty()))?;
        }
        let rules = prometheus.rules()?;
        assert_eq!(rules.len(), RULES);
        for rule in rules {
            assert_eq!(rule.get("health"), Some(&json!("ok")), "{rule}");
            // The alerts about counters that do not rise here still have series.
            let query = rule.get("query").and_then(Value::as_str).context("no query")?;
            for operand in query.split(" or ").filter_map(|part| part.strip_suffix(" > 0")) {
                assert!(!prometheus.query(operand)?.is_empty(), "{operand}");
            }
        }
        assert_eq!(fixture.stat("errors_total")?, 0);
    }
    Ok(())
}
