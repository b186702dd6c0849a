//! The shipped rules and dashboard, checked with promtool and a real Prometheus.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{
    bootstrap::EnvoyOptions,
    envoy::Envoy,
    process::wait_until,
    prometheus::{Prometheus, dashboard_queries, promtool},
    repository,
    upstream::Upstream,
};

use super::{Fixture, filter, lists::ListServer, policy, to_paths};

/// Timeout until Prometheus has scraped and evaluated.
const TIMEOUT: Duration = Duration::from_secs(40);
/// Number of rules in the file.
const RULES: usize = 12;

fn folder() -> PathBuf {
    repository::root().join("observability/prometheus")
}

/// Policies that deny, audit and differ in a dry run, and a fetched list.
fn document(is_labelled: bool) -> Value {
    let mut trial = policy("trial", "DENY", to_paths(&["/trial"]));
    trial["dryRun"] = json!(true);
    json!({
        "policies": [
            policy("no-admin", "DENY", to_paths(&["/admin"])),
            policy("audit", "AUDIT", to_paths(&["/"])),
            trial,
            policy("blocked", "DENY", json!([
                {"from": [{"source": {"remoteIpLists": ["blocked"]}}]}])),
        ],
        "lists": {"blocked": {
            "uri": "http://lists.example.com/blocked.txt",
            "cluster": "keys",
            "onUnavailable": "EMPTY",
        }},
        "metrics": {"labels": is_labelled},
    })
}

/// Starts Envoy with the filter, and a Prometheus that scrapes it.
fn start(is_labelled: bool, lists: &ListServer) -> Result<(Fixture, Prometheus)> {
    let app = Upstream::start()?;
    let mut options = EnvoyOptions::new(app.address(), vec![filter(&document(is_labelled))]);
    let tag = |name: &str| json!({"tag_name": name, "regex": format!(r"(\.{name}=\.=(.*?);\.;)")});
    let tags = ["policy", "list"].map(tag);
    options.stats_config = Some(json!({"stats_tags": tags}));
    options.keys = Some(lists.address());
    options.stats_flush = Some("1s".to_owned());
    let envoy = Envoy::start(options)?;
    let rules = folder().join("access-control.rules.yaml");
    let prometheus = Prometheus::start(envoy.admin_address(), &[&rules])?;
    Ok((Fixture { envoy, app }, prometheus))
}

/// Sends requests that are allowed, denied, and would be denied.
fn send(fixture: &Fixture) -> Result<()> {
    let client = fixture.envoy.http1();
    for path in ["/", "/admin", "/x/..;/admin", "/trial"] {
        client.get(path)?;
    }
    Ok(())
}

#[test]
fn promtool_accepts_the_rules_and_their_tests() -> Result<()> {
    let output = promtool(&["check", "rules", "access-control.rules.yaml"], &folder(), b"")?;
    assert!(output.contains(&format!("SUCCESS: {RULES} rules found")), "{output}");
    let output = promtool(&["test", "rules", "access-control.test.yaml"], &folder(), b"")?;
    assert!(output.contains("SUCCESS"), "{output}");
    Ok(())
}

#[test]
fn rules_and_dashboard_have_data() -> Result<()> {
    for is_labelled in [false, true] {
        let lists = ListServer::start("192.0.2.0/24")?;
        let (fixture, prometheus) = start(is_labelled, &lists)?;
        let policy = if is_labelled { "no-admin" } else { "no_admin" };
        for rising in [
            "weir:access_control_denied:ratio_rate5m > 0.1".to_owned(),
            format!(r#"weir:access_control_policy_denied:rate5m{{policy="{policy}"}} > 0"#),
            "weir:access_control_dry_run_denied:ratio_rate5m > 0".to_owned(),
            r#"weir:access_control_list:age_seconds{list="blocked"} > 0"#.to_owned(),
        ] {
            wait_until(&rising, TIMEOUT, || {
                send(&fixture)?;
                Ok(!prometheus.query(&rising)?.is_empty())
            })?;
        }
        for query in dashboard_queries("access-control")? {
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
        fixture.wait_for(&[("errors_total", 0)])?;
    }
    Ok(())
}
