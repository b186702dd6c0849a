//! Hostile label values, with the tag patterns of plain Envoy and of Istio.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::EnvoyOptions,
    client::Request,
    envoy::Envoy,
    process::wait_until,
    prometheus::{Prometheus, promtool},
    repository,
    upstream::Upstream,
};

use crate::telemetry::{LABELS, filter, prometheus::stats_tags};

/// Values that could break a metric name or add a label, and a harmless one.
const VALUES: [&[u8]; 16] = [
    b"plain",
    b";.;",
    b"=.=",
    b"a;.;reason=.=b;.;",
    b".response_code=.=999;.;",
    b"cache.a.",
    b"component.a.",
    b"tag.a;.",
    b"wasm_filter.a.",
    b"rbac.allowed",
    b"x.shadow_denied",
    b"x.istio_dry_run_allow_",
    b"x_rq_200",
    b"http.ingress.;.x",
    b"\x80\xc3\xff",
    b"\"quoted\\\"",
];

/// Returns the tag patterns of Istio's bootstrap, including those for `extraStatTags`.
fn istio_stats_config() -> Value {
    let tag = |(name, regex): (&str, String)| json!({"tag_name": name, "regex": regex});
    let own = [
        ("response_code", r"_rq(_(\d{3}))$"),
        ("response_code_class", r"_rq(_(\dxx))$"),
        ("cache", r"(cache\.(.+?)\.)"),
        ("component", r"(component\.(.+?)\.)"),
        ("tag", r"(tag\.(.+?);\.)"),
        ("wasm_filter", r"(wasm_filter\.(.+?)\.)"),
        ("authz_enforce_result", r"rbac(\.(allowed|denied))"),
        ("authz_dry_run_action", r"(\.istio_dry_run_(allow|deny)_)"),
        ("authz_dry_run_result", r"(\.shadow_(allowed|denied))"),
    ];
    let own = own.map(|(name, regex)| tag((name, regex.to_owned())));
    let extra = LABELS.map(|label| tag((label, format!(r"({label}=\.=(.*?);\.;)"))));
    let tags = [&extra[..], &own[..]].concat();
    json!({"use_all_default_tags": false, "stats_tags": tags})
}

/// Sends each value as a header and as a path, and checks the labels with Prometheus.
fn check(stats_config: Value) -> Result<()> {
    let app = Upstream::start()?;
    let document = json!({"metrics": [{"labels": true, "definitions": [
        {"name": "by_user", "dimensions": {"user": {"value": "request.headers['x-user']"}}},
        {"name": "by_item", "dimensions": {"item": {"value": "request.url_path"}}},
    ]}]});
    let mut options = EnvoyOptions::new(app.address(), vec![filter(&document)]);
    options.stats_config = Some(stats_config);
    let envoy = Envoy::start(options)?;
    let prometheus = Prometheus::start(envoy.admin_address(), &[])?;
    for value in VALUES {
        let path =
            format!("/{}", String::from_utf8_lossy(value).replace(['"', '\\', '\u{fffd}'], "!"));
        envoy.http1().send(Request::get(&path).header("x-user", value))?;
    }
    let all = VALUES.len() as f64;
    let limit = Duration::from_secs(30);
    for (metric, labels) in [
        ("requests_total", &["reporter", "request_method", "response_code"][..]),
        ("by_user_total", &["user"]),
        ("by_item_total", &["item"]),
    ] {
        let name = format!("weir_telemetry_{metric}");
        wait_until(&name, limit, || Ok(prometheus.sum(&name)? == all))?;
        let scraped = ["__name__", "instance", "job", "namespace", "pod"];
        let expected: BTreeSet<_> = labels.iter().chain(&scraped).copied().collect();
        for series in prometheus.query(&name)? {
            let found: BTreeSet<_> = series.labels.keys().map(String::as_str).collect();
            assert_eq!(found, expected, "{series:?}");
        }
    }
    // Each value has its own series.
    assert_eq!(prometheus.query("weir_telemetry_by_user_total")?.len(), VALUES.len());
    assert_eq!(prometheus.query(r#"{__name__=~"weir_.*__.*"}"#)?, []);
    assert_unlinted(&envoy)
}

/// Fails if promtool reports a problem in a metric of the filter.
///
/// Ignored are missing help texts, which Envoy never writes, and durations in milliseconds, which
/// are Istio's convention.
fn assert_unlinted(envoy: &Envoy) -> Result<()> {
    let scrape = envoy.admin().get("/stats/prometheus")?.text();
    // First all metrics, without lints: the format must be valid.
    promtool(
        &["check", "metrics", "--extended", "--lint=none"],
        repository::root(),
        scrape.as_bytes(),
    )?;
    let ours = |line: &&str| line.trim_start_matches("# TYPE ").starts_with("weir_");
    let ours: String = scrape.lines().filter(ours).flat_map(|line| [line, "\n"]).collect();
    let lints = lints(&ours)?;
    let known = ["no help text", "should not contain abbreviated units"];
    let unknown = |line: &&str| !known.iter().any(|known| line.ends_with(known));
    assert_eq!(lints.lines().filter(unknown).collect::<Vec<_>>(), Vec::<&str>::new());
    Ok(())
}

/// Returns the output of promtool, whether it succeeds or fails.
fn lints(metrics: &str) -> Result<String> {
    let output = promtool(&["check", "metrics"], repository::root(), metrics.as_bytes());
    output.or_else(|error| {
        let text = error.to_string();
        Ok(text.split_once(":\n").map(|(_, lines)| lines.to_owned()).unwrap_or(text))
    })
}

#[test]
fn hostile_values_add_no_label_in_plain_envoy() -> Result<()> {
    check(stats_tags(&LABELS))
}

#[test]
fn hostile_values_add_no_label_with_istios_tag_patterns() -> Result<()> {
    check(istio_stats_config())
}
