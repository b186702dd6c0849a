//! Requests without a key.

use anyhow::Result;
use serde_json::json;
use tests::client::Request;

use super::{Fixture, entry, requests::statuses};

#[test]
fn requests_without_a_key() -> Result<()> {
    let of = |policy: &str| {
        let key = json!([{"httpHeaderName": "x-user"}]);
        let limit = json!({"requests": 1, "per": "1h", "key": key, "onMissingKey": policy});
        entry(&policy.to_lowercase(), limit)
    };
    let fixture = Fixture::start(&json!({"http": [of("SHARE"), of("SKIP"), of("DENY")]}))?;
    let client = fixture.envoy.http1();
    let get = |name: &str| Request::get(&format!("/{name}"));
    let twice = |request: Request| statuses(&client, [request.clone(), request]);
    assert_eq!(twice(get("share"))?, [200, 429]);
    assert_eq!(twice(get("skip"))?, [200, 200]);
    assert_eq!(twice(get("deny"))?, [429, 429]);
    // Values that differ are not a way around the limit.
    let two = |name: &str| get(name).header("x-user", "a").header("x-user", "b");
    assert_eq!(twice(two("skip"))?, [200, 429]);
    assert_eq!(twice(two("deny"))?, [429, 429]);
    let denied = client.send(get("deny"))?;
    assert_eq!(denied.header("retry-after"), None, "it is never admitted");
    fixture.wait_for("missing_key_total", 11)
}
