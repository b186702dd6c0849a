//! Explanations.

use std::time::Duration;

use filter_core::Request;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    algorithm::Algorithm,
    testing::{self, ISSUER, NOW, bearer, claims, rule, tester, token, with},
};

fn explained(document: &serde_json::Value, headers: filter_core::Headers) -> String {
    let mut tester = tester(document);
    let request = Request { headers, ..Request::default() };
    tester.policy.explain(&mut tester.worker, &request, Duration::from_secs(NOW)).to_string()
}

#[test]
fn explains_rule_locations_and_outcome() {
    let good = token(Algorithm::Es256, &claims());
    let writes = json!({"outputClaimToHeaders": [{"header": "x-user", "claim": "sub"}]});
    let document = json!({"jwtRules": [rule(writes)], "rules": [{"name": "all"}]});
    assert_eq!(
        explained(&document, bearer(&good)),
        "rule all decides\nheader authorization after \"Bearer \": a token\n\
         query parameter access_token: no token\nadmitted with an identity, writes x-user"
    );
    let expired = token(Algorithm::Es256, &with(claims(), "exp", json!(1)));
    let refused = explained(&document, bearer(&expired));
    assert!(
        refused.ends_with(
            "refused with 401: EXPIRED rule=all provider=jwt-0: Jwt is expired, claim exp"
        )
    );
    let dry = with(document, "dryRun", json!(true));
    assert!(explained(&dry, testing::plain("/")).ends_with("not enforced: MISSING rule=all"));
    let fetching = json!({"jwtRules": [{"issuer": ISSUER}]});
    assert!(explained(&fetching, bearer(&good)).ends_with("a deny list, at most 5000 ms"));
}

#[test]
fn explains_failed_conditions_and_unmatched_requests() {
    let good = token(Algorithm::Es256, &claims());
    let with_rule = |entry| json!({"jwtRules": [rule(json!({}))], "rules": [entry]});
    let when = json!([{"key": "request.auth.claims[groups]", "values": ["ops"]}]);
    for (entry, end) in [
        (json!({"when": when}), "Claims in Jwt are not allowed, claim groups"),
        (json!({"scopes": {"all": ["a", "b"]}}), "Insufficient scope, scope a b"),
        (json!({"match": [{"uri": {"exact": "/x"}}]}), "No rule matches the request"),
    ] {
        let text = explained(&with_rule(entry.clone()), bearer(&good));
        assert!(text.ends_with(end), "{text}");
        assert_eq!(text.starts_with("no rule matches\n"), end.starts_with("No rule"), "{text}");
    }
}

#[test]
fn explains_refusals_to_selected_clients() {
    let when = json!([{"key": "request.auth.claims[groups]", "values": ["ops"]}]);
    let document = json!({
        "jwtRules": [rule(json!({"name": "corp"}))],
        "rules": [{"name": "ops", "when": when}],
        "explain": [{"headers": {"x-team": {"exact": "gateway"}}}],
    });
    let good = token(Algorithm::Es256, &claims());
    let explanation = "reason=claim_not_allowed;rule=ops;provider=corp;claim=groups";
    for (headers, expected) in [
        (vec![("x-team", "gateway"), ("x-weir-explain", "1")], Some(explanation)),
        (vec![("x-team", "gateway")], None),
        (vec![("x-weir-explain", "1")], None),
        (vec![("x-team", "gateway"), ("x-weir-explain", "0")], None),
    ] {
        let mut request = bearer(&good);
        headers.iter().for_each(|(name, value)| request.push(*name, *value));
        let reply = tester(&document).send(&request).0.reply();
        let found = reply.headers.iter().find(|(name, _)| name.as_str() == "x-weir-explain");
        let found = found.map(|(_, value)| std::str::from_utf8(value).unwrap());
        assert_eq!(found, expected, "{headers:?}");
    }
    let claims = with(document, "explain", json!([{"claims": {"sub": {"exact": "a"}}}]));
    let error = testing::compile(&claims).err().unwrap().to_string();
    assert!(error.starts_with("explain[0].claims: must not be given"), "{error}");
}
