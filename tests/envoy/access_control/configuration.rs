//! Refused and changed configurations.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{client::Request, suite};

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
