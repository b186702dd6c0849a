//! Allowed, denied and audited requests, in replies, metrics and the access log.

use anyhow::Result;
use hyper::Method;
use serde_json::{Value, json};
use tests::client::Request;

use super::{Fixture, policy, statuses, to_paths};

/// Policies with every action, and in dry run.
fn document() -> Value {
    let trial = |name: &str, action: &str, paths: &[&str]| {
        let mut policy = policy(name, action, to_paths(paths));
        policy["dryRun"] = json!(true);
        policy
    };
    json!({"policies": [
        policy("internal", "DENY", to_paths(&["/internal/*"])),
        policy("role", "DENY", json!([{"name": "guest", "when": [
            {"key": "request.headers[x-role]", "values": ["guest"]}]}])),
        policy("audited", "AUDIT", to_paths(&["/orders/audited"])),
        policy("orders", "ALLOW", to_paths(&["/orders/*"])),
        trial("trial", "DENY", &["/orders/trial"]),
        trial("also", "ALLOW", &["/reports"]),
    ]})
}

#[test]
fn decisions_are_in_metrics_and_in_the_access_log() -> Result<()> {
    let mut fixture = Fixture::start(&document())?;
    let get = |path: &str| Request::get(path);
    let requests = [
        (get("/orders/1"), 200, None, "via_upstream"),
        (
            get("/internal/1"),
            403,
            Some("decision=deny;policy=internal;rule=rule-0"),
            "weir_access_control_denied{internal.rule-0}",
        ),
        (
            get("/orders/1").header("x-role", "guest"),
            403,
            Some("decision=deny;policy=role;rule=guest"),
            "weir_access_control_denied{role.guest}",
        ),
        (get("/other"), 403, Some("decision=deny"), "weir_access_control_denied{no_policy_allows}"),
        (
            get("/orders/audited"),
            200,
            Some("decision=allow;policy=audited;rule=rule-0"),
            "via_upstream",
        ),
        (
            get("/orders/trial"),
            200,
            Some("decision=allow;dry_run=deny;policy=trial"),
            "via_upstream",
        ),
        (
            get("/reports"),
            403,
            Some("decision=deny;dry_run=allow;policy=also"),
            "weir_access_control_denied{no_policy_allows}",
        ),
    ];
    let mut sent = Vec::new();
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        for (request, status, ..) in &requests {
            assert_eq!(client.send(request.clone())?.status, *status, "{request:?}");
        }
        sent.extend(&requests);
    }
    assert_eq!(fixture.app.count(), 6);
    fixture.wait_for(&[
        ("allowed_total", 6),
        ("denied_total", 8),
        ("denied_by_policy_total", 4),
        ("denied_no_policy_total", 4),
        ("audited_total", 2),
        ("dry_run_denied_total", 2),
        ("dry_run_allowed_total", 2),
        ("not_enforced_total", 0),
        ("unsure_total", 0),
        ("errors_total", 0),
        ("policy_internal_matched_total", 2),
        ("policy_internal_denied_total", 2),
        ("policy_role_denied_total", 2),
        ("policy_orders_matched_total", 6),
        ("policy_orders_denied_total", 0),
        ("policy_audited_matched_total", 2),
        ("policy_trial_denied_total", 0),
        ("policy_trial_dry_run_total", 2),
        ("policy_also_dry_run_total", 2),
    ])?;
    let log = fixture.envoy.wait_for_access_log(sent.len())?;
    for (line, (request, _, state, details)) in log.iter().zip(sent) {
        assert_eq!(line["access"], json!(state), "{request:?}");
        assert_eq!(line["details"], json!(details), "{request:?}");
    }
    let text = fixture.envoy.admin().get("/stats/prometheus")?.text();
    assert!(text.lines().any(|line| line == "weir_access_control_denied_total{} 8"), "{text}");
    fixture.assert_no_trap()
}

#[test]
fn values_are_read_from_envoy() -> Result<()> {
    let source = |field: &str, value: &str| json!([{"from": [{"source": {field: [value]}}]}]);
    let on = |path: &str, mut rules: Value| {
        rules[0]["to"] = json!([{"operation": {"paths": [path]}}]);
        policy(path.trim_start_matches('/'), "ALLOW", rules)
    };
    let mut fixture = Fixture::start(&json!({"policies": [
        on("/remote", source("remoteIpBlocks", "10.0.0.0/8")),
        on("/peer", source("ipBlocks", "127.0.0.0/8")),
        on("/not-peer", source("notIpBlocks", "192.0.2.0/24")),
        on("/certificate", source("principals", "*")),
        on("/destination", json!([{"when": [
            {"key": "destination.ip", "values": ["127.0.0.1"]},
            {"key": "destination.port", "notValues": ["1"]},
            {"key": "connection.sni", "notValues": ["*"]}]}])),
        policy("methods", "ALLOW", json!([{"to": [{"operation": {"methods": ["PUT"]}}]}])),
        policy("hosts", "ALLOW", json!([{"to": [
            {"operation": {"hosts": ["*.open.example", "a.open.example:*"]}}]}])),
    ]}))?;
    let forwarded = |path: &str| Request::get(path).header("x-forwarded-for", "10.0.0.1");
    for (request, status) in [
        (Request::get("/remote"), 403),
        (forwarded("/remote"), 200),
        (Request::get("/peer"), 200),
        // The address comes from the header, so the peer is hidden.
        (forwarded("/peer"), 403),
        (Request::get("/not-peer"), 200),
        (forwarded("/not-peer"), 403),
        (Request::get("/certificate"), 403),
        (Request::get("/destination"), 200),
        (Request::new(Method::PUT, "/x"), 200),
        (Request::new(Method::PATCH, "/x"), 403),
        (Request::get("/x").authority("a.open.example"), 200),
        (Request::get("/x").authority("A.OPEN.example"), 200),
        (Request::get("/x").authority("a.open.example:81"), 200),
        (Request::get("/x").authority("a.example"), 403),
    ] {
        for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
            assert_eq!(client.send(request.clone())?.status, status, "{request:?}");
        }
    }
    fixture.wait_for(&[("unsure_total", 4), ("errors_total", 0)])?;
    fixture.assert_no_trap()
}

#[test]
fn repeated_headers_open_no_door() -> Result<()> {
    let role = |action: &str, path: &str, value: &str| {
        let rules = json!([{
            "to": [{"operation": {"paths": [path]}}],
            "when": [{"key": "request.headers[x-role]", "values": [value]}],
        }]);
        policy(&action.to_lowercase(), action, rules)
    };
    let mut fixture = Fixture::start(&json!({"policies": [
        role("DENY", "/deny", "guest"),
        role("ALLOW", "/allow", "admin"),
        policy("rest", "ALLOW", to_paths(&["/deny"])),
    ]}))?;
    for (path, roles, status) in [
        ("/deny", &[][..], 200),
        ("/deny", &["guest"], 403),
        ("/deny", &["guest", "admin"], 403),
        ("/deny", &["admin", "guest"], 403),
        ("/deny", &["", "guest"], 403),
        ("/deny", &["admin", "staff"], 200),
        ("/allow", &[], 403),
        ("/allow", &["admin"], 200),
        ("/allow", &["admin", "guest"], 403),
        ("/allow", &["guest", "admin"], 403),
        ("/allow", &["admin", "admin"], 403),
        ("/allow", &["admin,guest"], 403),
        ("/allow", &["Admin"], 403),
    ] {
        let request =
            roles.iter().fold(Request::get(path), |request, role| request.header("x-role", role));
        let sent = [request.clone(), request];
        let [first, second] = sent;
        let found = [
            statuses(&fixture.envoy.http1(), [first])?,
            statuses(&fixture.envoy.http2(), [second])?,
        ];
        assert_eq!(found, [[status], [status]], "{path} {roles:?}");
    }
    // A value that is not UTF-8 is compared byte by byte.
    let bytes = Request::get("/deny").header("x-role", b"guest\xff");
    assert_eq!(fixture.envoy.http2().send(bytes)?.status, 200);
    fixture.assert_no_trap()
}

#[test]
fn a_dry_run_denies_nothing() -> Result<()> {
    let mut config = document();
    config["dryRun"] = json!(true);
    config["metrics"] = json!({"labels": true});
    let mut fixture = Fixture::start(&config)?;
    let paths = ["/orders/1", "/internal/1", "/other"];
    let found = statuses(&fixture.envoy.http1(), paths.map(Request::get))?;
    assert_eq!(found, [200; 3]);
    fixture.wait_for(&[
        ("allowed_total", 1),
        ("denied_total", 2),
        ("not_enforced_total", 2),
        ("policy_denied_total.policy=.=internal;.;", 1),
        ("policy_matched_total.policy=.=orders;.;", 1),
    ])?;
    let log = fixture.envoy.wait_for_access_log(3)?;
    let states: Vec<_> = log.iter().map(|line| &line["access"]).collect();
    let denied = json!("decision=deny;policy=internal;rule=rule-0");
    assert_eq!(states, [&Value::Null, &denied, &json!("decision=deny")]);
    Ok(())
}
