//! Scenarios that together make every host call of the filter.

use filter_host::memory::{Proxy, Worker};
use serde_json::{Value, json};

use super::{
    AccessControl, lists,
    outcome::{Fate, Outcome},
    start,
};

/// The identity of a verified token.
const ALICE: &[u8] = br#"{"claims": {"iss": "https://idp.example", "sub": "alice"}}"#;

/// A policy that allows some requests and one that denies others.
pub(super) fn enforced(proxy: &Proxy) -> Outcome {
    let document = json!({"policies": [
        {"name": "internal", "action": "DENY", "rules": [
            {"to": [{"operation": {"paths": ["/internal"]}}]}]},
        {"name": "users", "rules": [{
            "from": [{"source": {
                "requestPrincipals": ["https://idp.example/*"],
                "notPrincipals": ["*/sa/stranger"],
                "remoteIpBlocks": ["10.0.0.0/8"]}}],
            "schedule": {"expiresAt": "2030-01-01T00:00:00Z"}}]},
    ]});
    run(proxy, &document)
}

/// A policy that denies a share of the requests.
pub(super) fn shared(proxy: &Proxy) -> Outcome {
    let share = json!({"value": 99.9999});
    run(
        proxy,
        &json!({"policies": [{"name": "a", "action": "DENY", "enforced": share, "rules": [{}]}]}),
    )
}

/// Policies of which none is enforced.
pub(super) fn dry_run(proxy: &Proxy) -> Outcome {
    let rules = json!([{"to": [{"operation": {"paths": ["/internal"]}}]}]);
    run(
        proxy,
        &json!({"policies": [
            {"name": "a", "action": "DENY", "dryRun": true, "rules": rules},
            {"name": "b", "action": "AUDIT", "rules": rules},
        ]}),
    )
}

/// Denials in the audit log, with a hash.
pub(super) fn audited(proxy: &Proxy) -> Outcome {
    proxy.set_now(std::time::Duration::from_secs(1_900_000_000));
    let fields =
        json!(["time", "decision", {"name": "target", "value": "%REQ(:path)%", "redact": "HASH"}]);
    run(
        proxy,
        &json!({
            "policies": [{"name": "a", "action": "DENY", "rules": [
                {"to": [{"operation": {"paths": ["/internal"]}}]}]}],
            "audit": {"fields": fields},
        }),
    )
}

/// Policies whose decisions are explained to everyone who asks.
pub(super) fn explained(proxy: &Proxy) -> Outcome {
    let rules = json!([{"to": [{"operation": {"paths": ["/internal"]}}]}]);
    let document = json!({
        "policies": [{"name": "a", "action": "DENY", "rules": rules}],
        "explain": [{"source": {"ip": ["10.0.0.0/8"]}}],
    });
    proxy.set_property("source.address", b"10.0.0.1:80");
    let mut worker = start(proxy, &document);
    let mut ask = |path: &str| {
        let stream =
            worker.request(&[(":method", "GET"), (":path", path), ("x-weir-explain", "1")]);
        if worker.stream(stream).is_forwarded() {
            worker.respond(stream, 200);
        }
        Fate::new(worker.end(stream))
    };
    let fates = vec![("open", ask("/")), ("hidden", ask("/internal"))];
    worker.advance(std::time::Duration::from_secs(2));
    drop(worker);
    Outcome::new(proxy, fates)
}

/// Requests of an address in a fetched list and of another one, while the list is fetched, confirmed
/// and not available.
pub(super) fn fetched_list(proxy: &Proxy) -> Outcome {
    lists::prepare(proxy);
    let mut worker = start(proxy, &lists::denying(&json!({})));
    let mut fates = vec![("cold", exchange(proxy, &mut worker, "/"))];
    let second = std::time::Duration::from_secs(1);
    for (pause, status, body, blocked, other) in [
        (1, "200", "10.0.0.1", "blocked", "other"),
        (60, "304", "", "blocked again", "other again"),
        (60, "500", "", "blocked after a failure", "other after a failure"),
    ] {
        proxy.pass(second * pause);
        worker.tick();
        lists::answer(&mut worker, status, body);
        for (name, address) in [(blocked, "10.0.0.1:80"), (other, "10.0.0.2:80")] {
            proxy.set_property("source.address", address.as_bytes());
            fates.push((name, exchange(proxy, &mut worker, "/")));
        }
    }
    worker.advance(second * 2);
    drop(worker);
    Outcome::new(proxy, fates)
}

/// Sends three requests: of a stranger, of a user, and of a user to a hidden path.
fn run(proxy: &Proxy, document: &Value) -> Outcome {
    proxy.set_property("source.address", b"10.0.0.1:80");
    let mut worker = start(proxy, document);
    let fates = vec![
        ("stranger", exchange(proxy, &mut worker, "/")),
        ("user", {
            proxy.set_property("weir.jwt", ALICE);
            exchange(proxy, &mut worker, "/")
        }),
        ("hidden", exchange(proxy, &mut worker, "/internal")),
    ];
    worker.advance(std::time::Duration::from_secs(2));
    drop(worker);
    Outcome::new(proxy, fates)
}

fn exchange(proxy: &Proxy, worker: &mut Worker<AccessControl>, path: &str) -> Fate {
    proxy.pass(std::time::Duration::from_millis(1));
    let stream = worker.request(&[(":method", "GET"), (":path", path), (":authority", "shop")]);
    Fate::new(worker.end(stream))
}
