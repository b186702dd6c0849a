//! Access log, metrics, explanations and the dry run.

use anyhow::Result;
use serde_json::{Value, json};
use tests::client::Request;

use super::{Fixture, entry, limit, requests::statuses};

#[test]
fn the_access_log_names_the_limit() -> Result<()> {
    let key = json!([{"httpHeaderName": "x-user"}]);
    let config = limit(json!({"name": "user", "requests": 1, "per": "1h", "key": key}));
    let mut fixture = Fixture::start(&config)?;
    for _ in 0..2 {
        fixture.envoy.http1().send(Request::get("/").header("x-user", "mallory-7"))?;
    }
    let log = fixture.envoy.wait_for_access_log(2)?;
    assert_eq!((&log[0]["limit"], &log[0]["details"]), (&Value::Null, &json!("via_upstream")));
    assert_eq!(log[1]["details"], "weir_rate_limit_denied{user}");
    let state = log[1]["limit"].as_str().unwrap_or_default();
    let wait = state.strip_prefix("limit=user;retry_ms=").and_then(|ms| ms.parse::<u64>().ok());
    assert!(wait.is_some_and(|wait| (3_500_000..=3_600_000).contains(&wait)), "{state}");
    let log = fixture.envoy.stop()?;
    assert!(log.contains("limit=user;retry_ms="), "no line at level debug");
    assert!(!log.contains("mallory-7"), "the key is in the log");
    Ok(())
}

#[test]
fn counts_totals_and_limits() -> Result<()> {
    let mut config = limit(json!({"name": "per-user", "requests": 10, "per": "1h"}));
    let send =
        |fixture: &Fixture| statuses(&fixture.envoy.http1(), (0..13).map(|_| Request::get("/")));
    let fixture = Fixture::start_with(2, &config)?;
    assert_eq!(send(&fixture)?, [[200; 10].as_slice(), &[429; 3]].concat());
    for (name, value) in [
        ("allowed_total", 10),
        ("denied_total", 3),
        // The requests that left 1 and 0 units.
        ("near_limit_total", 2),
        ("limit_per_user_allowed_total", 10),
        ("limit_per_user_denied_total", 3),
        ("errors_total", 0),
    ] {
        fixture.wait_for(name, value)?;
    }
    let text = fixture.envoy.admin().get("/stats/prometheus")?.text();
    assert!(text.lines().any(|line| line == "weir_rate_limit_denied_total{} 3"), "{text}");
    config["metrics"] = json!({"labels": true});
    let labelled = Fixture::start(&config)?;
    send(&labelled)?;
    labelled.wait_for("limit_allowed_total.limit=.=per-user;.;", 10)?;
    labelled.wait_for("limit_denied_total.limit=.=per-user;.;", 3)
}

#[test]
fn explains_only_to_some_callers() -> Result<()> {
    let key = json!([{"httpHeaderName": "x-user"}, {"method": true}]);
    let mut config = limit(json!({"name": "user", "requests": 5, "per": "10s", "key": key}));
    config["explain"] = json!([{"headers": {"x-tester": {"exact": "secret"}}}]);
    config["http"] = json!([{"name": "free", "match": [{"uri": {"exact": "/free"}}]}]);
    let fixture = Fixture::start(&config)?;
    let explained = |path: &str, tester: &str, asks: &str| -> Result<Option<String>> {
        let request = Request::get(path).header("x-user", "alice").header("x-tester", tester);
        let response = fixture.envoy.http1().send(request.header("x-weir-explain", asks))?;
        Ok(response.header("x-weir-explain").map(str::to_owned))
    };
    let first = explained("/", "secret", "1")?;
    assert_eq!(first.as_deref(), Some("limit=user;remaining=4;reset=2;key=header+method"));
    assert_eq!(explained("/", "other", "1")?, None);
    assert_eq!(explained("/", "secret", "0")?, None);
    assert_eq!(explained("/free", "secret", "1")?.as_deref(), Some("none"));
    Ok(())
}

#[test]
fn a_dry_run_counts_and_refuses_nothing() -> Result<()> {
    let fixture = Fixture::start(&json!({"http": [
        entry("all", json!({"requests": 2, "per": "1h", "enforced": {"value": 0}})),
        entry("real", json!({"requests": 2, "per": "1h"})),
    ]}))?;
    let send = |fixture: &Fixture, path: &str| {
        statuses(&fixture.envoy.http1(), (0..4).map(|_| Request::get(path)))
    };
    assert_eq!(send(&fixture, "/all")?, [200; 4]);
    assert_eq!(send(&fixture, "/real")?, [200, 200, 429, 429]);
    fixture.wait_for("dry_run_total", 2)?;
    fixture.wait_for("limit_all_denied_total", 2)?;
    let config = json!({"dryRun": true, "http": [
        entry("all", json!({"requests": 2, "per": "1h"})),
        entry("slow", json!({"requests": 1, "per": "1h", "wait": "30s"})),
    ]});
    let fixture = Fixture::start(&config)?;
    assert_eq!(send(&fixture, "/all")?, [200; 4]);
    assert_eq!(send(&fixture, "/slow")?, [200; 4]);
    fixture.wait_for("limit_all_denied_total", 2)?;
    fixture.wait_for("waiting", 0)
}
