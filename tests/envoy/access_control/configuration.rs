//! Refused and changed configurations.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{bootstrap::EnvoyOptions, client::Request, envoy::Envoy, suite, upstream::Upstream};

use super::{FILTER, Fixture, filter, policy, statuses, to_paths};

#[test]
fn rejects_an_invalid_configuration_and_keeps_the_last_valid_one() -> Result<()> {
    let deny = |path: &str| json!({"policies": [policy("a", "DENY", to_paths(&[path]))]});
    let mut fixture = Fixture::start(&deny("/a"))?;
    let send = |fixture: &Fixture| statuses(&fixture.envoy.http1(), ["/a", "/b"].map(Request::get));
    assert_eq!(send(&fixture)?, [403, 200]);
    let rule = |rule: Value| json!({"policies": [{"action": "DENY", "rules": [rule]}]});
    let bad: [(Value, &str); 6] = [
        (json!({}), "policies: must have at least one policy"),
        (json!({"policies": [{"action": "CUSTOM"}]}), "policies[0].action"),
        (json!({"policies": [{"provider": {"name": "a"}}]}), "policies[0].provider"),
        (rule(json!({"from": [{"source": {"ipBlocks": ["x"]}}]})), "source.ipBlocks[0]"),
        (rule(json!({"when": [{"key": "request.header[a]", "values": ["b"]}]})), "when[0].key"),
        (rule(json!({"to": [{"operation": {"path": ["/a"]}}]})), "path: unknown field"),
    ];
    for (config, message) in bad {
        let since = fixture.envoy.expect_rejection(&[filter(&config)])?;
        let message = match message.starts_with("policies") {
            true => suite::path(FILTER, message),
            false => message.to_owned(),
        };
        assert!(since.contains(&message), "{config}: no {message} in\n{since}");
    }
    assert_eq!(send(&fixture)?, [403, 200]);
    fixture.envoy.reconfigure(&[filter(&deny("/b"))])?;
    assert_eq!(send(&fixture)?, [200, 403]);
    fixture
        .envoy
        .reconfigure(&[filter(&json!({"policies": [{"name": "idle", "action": "DENY"}]}))])?;
    assert_eq!(send(&fixture)?, [200, 200]);
    fixture.envoy.wait_for_log(&suite::path(FILTER, "policies[0]: has no rules"))
}

#[test]
fn warns_about_conditions_without_effect() -> Result<()> {
    let rules = json!([
        {"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]},
        {"schedule": {"expiresAt": "2020-01-01T00:00:00Z"}},
        {"to": [{"operation": {"hosts": ["a.example"]}}]},
    ]);
    let config = json!({"policies": [policy("a", "DENY", rules)]});
    let app = Upstream::start()?;
    let node = Some("sidecar~10.0.0.7~app-1.shop~shop.svc.cluster.local".to_owned());
    let options = EnvoyOptions::new(app.address(), vec![filter(&config)]);
    let mut envoy = Envoy::start(EnvoyOptions { node_id: node, ..options })?;
    for warning in [
        "rules[0].from[0].source.ipBlocks: in a sidecar the address of the peer is hidden",
        "rules[1].schedule.expiresAt: is in the past",
        "rules[2].to[0].operation.hosts: has \"a.example\" without \"a.example:*\"",
    ] {
        envoy.wait_for_log(&suite::path(FILTER, &format!("policies[0].{warning}")))?;
    }
    Ok(())
}
