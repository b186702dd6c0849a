//! Requests that meet several limits, and limits that share counts.

use anyhow::Result;
use serde_json::json;
use tests::client::Request;

use super::{Fixture, requests::statuses};

#[test]
fn a_refused_request_takes_nothing_from_other_limits() -> Result<()> {
    let key = json!([{"httpHeaderName": "x-user"}]);
    let fixture = Fixture::start_with(
        2,
        &json!({"limits": [
            {"name": "all", "requests": 3, "per": "1h"},
            {"name": "sliding", "requests": 3, "per": "1h", "window": "SLIDING"},
            {"name": "open", "concurrent": 1},
            {"name": "user", "requests": 1, "per": "1h", "key": key},
        ]}),
    )?;
    let user = |user: &str| Request::get("/").header("x-user", user);
    let users = ["a", "a", "a", "a", "b", "b", "c", "d", "a"].map(user);
    let expected = [200, 429, 429, 429, 200, 429, 200, 429, 429];
    assert_eq!(statuses(&fixture.envoy.http1(), users)?, expected);
    fixture.wait_for("limit_all_allowed_total", 3)?;
    fixture.wait_for("active_rate-limit_open", 0)
}

#[test]
fn a_reserve_is_left_to_others_and_an_exemption_meets_no_limit() -> Result<()> {
    let fixture = Fixture::start(&json!({
        "limits": [{"name": "pod", "requests": 1_000, "per": "1h"}],
        "http": [
            {"name": "probes", "match": [{"uri": {"exact": "/healthz"}}]},
            {"name": "batch", "match": [{"uri": {"prefix": "/batch"}}],
                "limits": [{"ref": "api", "reserve": {"value": 30}}]},
            {"name": "api", "limits": [{"name": "api", "requests": 10, "per": "1h"}]},
        ],
    }))?;
    let send = |path: &str, count: usize| {
        statuses(&fixture.envoy.http1(), vec![Request::get(path); count])
    };
    assert_eq!(send("/batch", 8)?, [[200; 7].as_slice(), &[429]].concat());
    assert_eq!(send("/api", 4)?, [200, 200, 200, 429]);
    assert_eq!(send("/batch", 1)?, [429]);
    assert_eq!(send("/healthz", 20)?, [200; 20]);
    fixture.wait_for("limit_pod_allowed_total", 10)
}
