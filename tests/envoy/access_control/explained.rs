//! Explanations for selected clients.

use anyhow::Result;
use serde_json::{Value, json};
use tests::client::Request;

use super::{Fixture, policy, to_paths};

#[test]
fn explains_decisions_to_selected_clients() -> Result<()> {
    let mut users = to_paths(&["/orders"]);
    users[0]["from"] = json!([{"source": {"principals": ["cluster.local/ns/shop/*"]}}]);
    let mut next: Value = policy("next", "DENY", to_paths(&["/open"]));
    next["dryRun"] = json!(true);
    let mut fixture = Fixture::start(&json!({
        "policies": [
            policy("blocked", "DENY", to_paths(&["/blocked"])),
            policy("users", "ALLOW", users),
            policy("open", "ALLOW", to_paths(&["/open"])),
            next,
        ],
        "explain": [{"headers": {"x-team": {"exact": "operators"}}}],
    }))?;
    for (path, status, expected) in [
        ("/orders", 403, "decision=deny;by=no_allow;closest=users.rule-0;failed=principals"),
        ("/blocked", 403, "decision=deny;by=blocked.rule-0"),
        ("/open", 200, "decision=allow;by=open.rule-0;dry_run=deny;dry_run_by=next.rule-0"),
    ] {
        for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
            for (team, asks, is_explained) in
                [("operators", "1", true), ("operators", "0", false), ("others", "1", false)]
            {
                let request =
                    Request::get(path).header("x-team", team).header("x-weir-explain", asks);
                let response = client.send(request)?;
                assert_eq!(response.status, status, "{path}");
                let explanation = is_explained.then_some(expected);
                assert_eq!(response.header("x-weir-explain"), explanation, "{path} {team} {asks}");
            }
        }
    }
    fixture.wait_for(&[
        ("dry_run_denied_total", 6),
        ("policy_next_dry_run_total", 6),
        ("policy_open_dry_run_total", 0),
        ("errors_total", 0),
    ])?;
    fixture.assert_no_trap()
}
