//! What an explanation says.

use std::time::Duration;

use filter_core::Request;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    algorithm::Algorithm,
    testing::{self, ISSUER, NOW, asked, bearer, claims, rule, token, with},
};

fn explained(document: &serde_json::Value, headers: filter_core::Headers) -> String {
    let mut asked = asked(document);
    let request = Request { headers, ..Request::default() };
    asked.policy.explain(&mut asked.worker, &request, Duration::from_secs(NOW)).to_string()
}

#[test]
fn an_explanation_names_rule_places_and_end_and_nothing_of_the_token() {
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
    assert!(refused.ends_with("refused with 401: EXPIRED rule=all provider=jwt-0: Jwt is expired"));
    let dry = with(document, "dryRun", json!(true));
    assert!(explained(&dry, testing::plain("/")).ends_with("though it fails: MISSING rule=all"));
    let fetching = json!({"jwtRules": [{"issuer": ISSUER}]});
    assert!(explained(&fetching, bearer(&good)).ends_with("a deny list, at most 5000 ms"));
}
