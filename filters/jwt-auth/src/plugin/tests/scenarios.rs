//! Scenarios that together make every host call of the plugin.

use filter_host::memory::Proxy;
use serde_json::json;

use super::{
    JwtAuth, SECOND, TICK, Worker, expired_token, fetching, good_token, send, send_with, serve,
    serve_status,
    story::{Outcome, Story},
    unknown_token,
};
use crate::{
    Crypto,
    algorithm::Algorithm,
    key::Key,
    testing::{self, with},
};

/// The proxy's `verify_signature`, for RSA and SHA-256.
fn verify_signature(argument: &[u8]) -> Option<Vec<u8>> {
    let mut rest = argument;
    let mut fields = [const { Vec::new() }; 4];
    for field in &mut fields {
        let (_, tail) = rest.split_first()?;
        let end = tail.iter().position(|byte| byte & 0x80 == 0)? + 1;
        let (length, tail) = tail.split_at(end);
        let length = length.iter().rev().fold(0, |sum, byte| (sum << 7) | usize::from(byte & 0x7f));
        let (value, tail) = tail.split_at_checked(length)?;
        (*field, rest) = (value.to_vec(), tail);
    }
    let [digest, key, signature, message] = fields;
    let crypto = Crypto::pure();
    let key = Key::from_public_key_info(&key, &crypto).ok()?;
    let is_supported = key.algorithms().contains(Algorithm::Rs256) && digest == b"sha256";
    let is_valid = key.verify(&crypto, Algorithm::Rs256, &signature, &message).valid;
    is_supported.then(|| if is_valid { vec![0x08, 0x01] } else { Vec::new() })
}

/// Requests with configured keys, one of which the proxy checks.
pub(super) fn configured_keys(proxy: &Proxy) -> Outcome {
    proxy.set_function("verify_signature", verify_signature);
    let document = json!({
        "jwtRules": [testing::rule(json!({
            "fromHeaders": [{"name": "authorization", "prefix": "Bearer "}],
            "fromParams": ["token"],
            "outputClaimToHeaders": [{"header": "x-user", "claim": "sub"}],
        }))],
        "rules": [{"match": [{"uri": {"prefix": "/open"}}], "token": "NONE"}, {}],
        "publish": "IDENTITY",
        "metrics": {"labels": false},
    });
    let mut story = Story::start(proxy, &document);
    let worker = &mut story.worker;
    let token = testing::token(Algorithm::Rs256, &testing::claims());
    let both =
        [("authorization", &*format!("Bearer {token}")), (":path", &format!("/?token={token}"))];
    let first = send_with(worker, &both);
    story.add("in two places", first);
    story.send_trailers(&[("x-user", "forged"), ("x-other", "kept")]);
    let worker = &mut story.worker;
    let preflight =
        [(":method", "OPTIONS"), ("origin", "https://a"), ("access-control-request-method", "GET")];
    let requests = [
        ("cached", send(worker, &token)),
        ("expired", send(worker, &expired_token())),
        ("without token", send_with(worker, &[])),
        ("open", send_with(worker, &[(":path", "/open")])),
        ("preflight", send_with(worker, &preflight)),
        ("last", send(worker, &token)),
    ];
    requests.into_iter().for_each(|(name, context)| story.add(name, context));
    story.finish()
}

/// Requests whose keys are fetched, renewed and fetched again for unknown keys.
pub(super) fn fetched_keys(proxy: &Proxy) -> Outcome {
    let mut story = Story::start(proxy, &fetching(json!({})));
    let token = good_token();
    let cold = send(&mut story.worker, &token);
    story.add("waiting", cold);
    let expired = send(&mut story.worker, &expired_token());
    story.add("expired", expired);
    let leaving = send(&mut story.worker, &token);
    story.add("leaving", leaving);
    story.worker.advance(TICK * 5);
    story.leave("leaving");
    serve(proxy, &mut story.worker);
    story.worker.advance(TICK);
    let warm = send(&mut story.worker, &token);
    story.add("warm", warm);
    let unknown = send(&mut story.worker, &unknown_token("new"));
    story.add("unknown key", unknown);
    story.worker.advance(TICK * 2);
    serve_status(&mut story.worker, "304");
    story.worker.advance(TICK);
    let again = send(&mut story.worker, &unknown_token("newer"));
    story.add("another unknown key", again);
    proxy.pass(SECOND * 300);
    story.worker.tick();
    serve_status(&mut story.worker, "500");
    let last = send(&mut story.worker, &token);
    story.add("last", last);
    story.finish()
}

/// Requests with keys by discovery and a deny list, with labels.
pub(super) fn discovery_and_deny_list(proxy: &Proxy) -> Outcome {
    let document = json!({
        "jwtRules": [{
            "name": "corp",
            "issuer": testing::ISSUER,
            "jwksFetch": {"cluster": "keys"},
            "revocation": {"uri": format!("{}/denied", testing::ISSUER), "cluster": "keys"},
            "outputClaimToHeaders": [{"header": "x-user", "claim": "sub"}],
        }],
        "metrics": {"labels": true},
    });
    let mut story = Story::start(proxy, &document);
    let token =
        |id: &str| testing::token(Algorithm::EdDsa, &with(testing::claims(), "jti", json!(id)));
    let waiting = send(&mut story.worker, &token("fine"));
    story.add("waiting", waiting);
    let revoked = send(&mut story.worker, &token("revoked"));
    story.add("revoked", revoked);
    for _ in 0..4 {
        story.worker.advance(TICK * 5);
        serve(proxy, &mut story.worker);
    }
    let last = send(&mut story.worker, &token("last"));
    story.add("last", last);
    story.finish()
}

/// Requests in a dry run.
pub(super) fn dry_run(proxy: &Proxy) -> Outcome {
    let document = with(fetching(json!({})), "dryRun", json!(true));
    let mut story = Story::start(proxy, &document);
    for name in ["cold", "warm"] {
        let good = send(&mut story.worker, &good_token());
        story.add(name, good);
        story.worker.advance(TICK * 5);
        serve(proxy, &mut story.worker);
    }
    let expired = send(&mut story.worker, &expired_token());
    story.add("expired", expired);
    story.send_trailers(&[("x-user", "forged")]);
    story.finish()
}

/// Requests to a worker whose keys are fetched by another one.
pub(super) fn keys_of_another_worker(proxy: &Proxy) -> Outcome {
    let document = fetching(json!({}));
    let mut story = Story::start(proxy, &document);
    let mut other: Worker = proxy.worker(&document.to_string()).unwrap();
    let late = send(&mut story.worker, &good_token());
    story.add("too late", late);
    // Takes the lease, and gets no answer.
    story.worker.advance(TICK);
    proxy.pass(SECOND * 5);
    story.worker.tick();
    let waiting = send(&mut story.worker, &good_token());
    story.add("waiting", waiting);
    // The lease expires after the timeout, 5 s, and a second.
    proxy.pass(SECOND * 2);
    let fetch = |other: &mut Worker| {
        for _ in 0..2 {
            other.tick();
            serve(proxy, other);
            proxy.pass(SECOND);
        }
    };
    fetch(&mut other);
    let first = send(&mut story.worker, &good_token());
    story.add("before a tick", first);
    story.worker.tick();
    proxy.pass(SECOND * 300);
    fetch(&mut other);
    story.worker.tick();
    let second = send(&mut story.worker, &good_token());
    story.add("after a tick", second);
    drop(proxy.worker::<JwtAuth>(&document.to_string()));
    story.finish()
}
