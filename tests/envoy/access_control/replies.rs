//! Replies to denied requests.

use anyhow::Result;
use hyper::Method;
use serde_json::json;
use tests::client::Request;

use super::{Fixture, policy, to_paths};

/// The text of Envoy's RBAC filter.
const TEXT: &str = "RBAC: access denied";

#[test]
fn denied_requests_get_the_requested_format() -> Result<()> {
    let hidden = json!({"name": "hidden", "action": "DENY", "rules": to_paths(&["/hidden"]),
        "reply": {"httpStatus": 404, "body": {"string": "none"},
            "headers": {"response": {"set": {"x-reply": "hidden"}}}}});
    let login = json!({"name": "login", "action": "DENY", "rules": to_paths(&["/login"]),
        "reply": {"httpStatus": 302,
            "headers": {"response": {"set": {"location": "https://login.example/"}}}}});
    let fixture = Fixture::start(&json!({
        "policies": [
            hidden,
            login,
            policy("denied", "DENY", to_paths(&["/denied", "/a.B/C"])),
            policy("rest", "ALLOW", to_paths(&["/open"])),
        ],
        "problem": {"detail": "FULL"},
    }))?;
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        let denied = client.get("/denied")?;
        assert_eq!(denied.status, 403);
        assert_eq!(denied.header("content-type"), Some("application/problem+json"));
        let expected = json!({"type": "about:blank", "title": "Forbidden", "status": 403,
            "code": "DENIED_BY_POLICY", "detail": TEXT, "policy": "denied", "rule": "rule-0"});
        assert_eq!(denied.json()?, expected);
        assert_eq!(client.get("/other")?.json()?["code"], "NO_POLICY_ALLOWS");
        let text = client.send(Request::get("/other").header("accept", "text/plain"))?;
        assert_eq!((text.status, text.text()), (403, format!("{TEXT}\n")));
        let head = client.send(Request::new(Method::HEAD, "/denied"))?;
        assert_eq!((head.status, head.body.len()), (403, 0));
        let post = Request::new(Method::POST, "/denied").body(&vec![7; 65_536]);
        assert_eq!(client.send(post)?.status, 403);
        let hidden = client.get("/hidden")?;
        assert_eq!((hidden.status, hidden.text().as_str()), (404, "none"));
        assert_eq!(hidden.header("x-reply"), Some("hidden"));
        let login = client.get("/login")?;
        assert_eq!((login.status, login.header("location")), (302, Some("https://login.example/")));
        assert_eq!(client.get("/open")?.status, 200);
    }
    let grpc = fixture.envoy.http2().send(Request::grpc("/a.B/C"))?;
    assert_eq!((grpc.status, grpc.grpc_status()), (200, Some("7")));
    assert!(grpc.is_trailers_only());
    let message = format!("{TEXT}; policy=denied; rule=rule-0");
    assert_eq!(grpc.header("grpc-message"), Some(message.as_str()));
    assert_eq!(fixture.app.count(), 2);
    Ok(())
}
