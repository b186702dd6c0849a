//! Requests with and without a key, and the replies to those over a limit.

use anyhow::Result;
use serde_json::json;
use tests::client::{Client, Request};

use super::{Fixture, limit};

/// Sends requests one after the other. Returns the statuses.
pub(super) fn statuses(
    client: &Client,
    requests: impl IntoIterator<Item = Request>,
) -> Result<Vec<u16>> {
    requests.into_iter().map(|request| Ok(client.send(request)?.status)).collect()
}

#[test]
fn admits_the_burst_and_refuses_the_rest() -> Result<()> {
    let fixture = Fixture::start(&limit(json!({"name": "all", "requests": 3, "per": "1h"})))?;
    let client = fixture.envoy.http1();
    for _ in 0..3 {
        assert_eq!(client.get("/")?.status, 200);
    }
    let refused = client.get("/")?;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-envoy-ratelimited"), Some("true"));
    assert_eq!(refused.header("retry-after"), Some("1200"));
    assert_eq!(refused.header("ratelimit-policy"), Some(r#""all";q=3;w=3600"#));
    assert_eq!(refused.header("ratelimit"), Some(r#""all";r=0;t=1200"#));
    let problem = refused.json()?;
    assert_eq!(problem["violated-policies"], json!(["all"]));
    assert_eq!(fixture.app.count(), 3);
    Ok(())
}

#[test]
fn each_key_has_its_own_count() -> Result<()> {
    let fixture = Fixture::start(&limit(json!({
        "name": "user", "requests": 2, "per": "1h", "key": [{"httpHeaderName": "x-user"}],
    })))?;
    let client = fixture.envoy.http1();
    let status = |user: &str| {
        Ok::<_, anyhow::Error>(client.send(Request::get("/").header("x-user", user))?.status)
    };
    for (user, expected) in [("a", 200), ("b", 200), ("a", 200), ("a", 429), ("b", 200), ("b", 429)]
    {
        assert_eq!(status(user)?, expected, "{user}");
    }
    assert_eq!(client.get("/")?.status, 200, "requests without the header share a count");
    Ok(())
}
