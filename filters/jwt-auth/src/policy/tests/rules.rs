//! Rules.

use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    Metric, Reason,
    algorithm::Algorithm,
    testing::{NOW, bearer, claims, document, plain, request, rule, tester, token, warnings, with},
};

pub(super) fn with_rules(rules: Value) -> Value {
    with(document(json!({})), "rules", rules)
}

pub(super) fn good(changes: Value) -> String {
    let claims = changes
        .as_object()
        .unwrap()
        .iter()
        .fold(claims(), |claims, (name, value)| with(claims, name, value.clone()));
    token(Algorithm::EdDsa, &claims)
}

#[test]
fn the_first_matching_rule_decides() {
    let rules = json!([
        {"match": [{"uri": {"exact": "/healthz"}}], "token": "NONE"},
        {"match": [{"uri": {"prefix": "/open"}}], "token": "OPTIONAL"},
        {"match": [{"uri": {"prefix": "/lenient"}}], "token": "ALLOW_MISSING_OR_FAILED"},
        {"match": [{"uri": {"prefix": "/api"}}]},
    ]);
    let mut tester = tester(&with_rules(rules));
    let (missing, unmatched) = (Some(Reason::Missing), Some(Reason::RuleUnmatched));
    let bad = Some(Reason::BadFormat);
    for (path, without, with_bad) in [
        ("/healthz", None, None),
        ("/healthz?a", None, None),
        ("/open", None, bad),
        ("/lenient", None, None),
        ("/api", missing, bad),
        ("/other", unmatched, unmatched),
    ] {
        assert_eq!(tester.send(&plain(path)).0.reason(), without, "{path}");
        let headers = request(path, [("authorization", "Bearer x")]);
        assert_eq!(tester.send(&headers).0.reason(), with_bad, "{path}");
    }
}

#[test]
fn an_empty_rule_requires_a_token() {
    let mut tester = tester(&with_rules(json!([{}])));
    let reply = tester.send(&plain("/")).0.reply();
    let challenge = String::from_utf8(reply.headers[0].1.clone()).unwrap();
    assert_eq!(challenge, "Bearer realm=\"https://app.example.com/\"");
    assert_eq!(tester.bearer(&good(json!({}))), None);
}

#[test]
fn preflights_need_no_token_unless_configured() {
    let preflight = filter_core::Headers::from_iter([
        (":method", "OPTIONS"),
        (":path", "/"),
        ("origin", "https://a"),
        ("access-control-request-method", "GET"),
    ]);
    let document = with_rules(json!([{}]));
    let (answer, counts) = tester(&document).send(&preflight);
    assert_eq!(answer.reason(), None);
    assert_eq!(counts, [Metric::CorsPreflightBypassed, Metric::Allowed]);
    let strict = with(document.clone(), "bypassCorsPreflight", json!(false));
    assert_eq!(tester(&strict).send(&preflight).0.reason(), Some(Reason::Missing));
    let plain = filter_core::Headers::from_iter([(":method", "OPTIONS"), (":path", "/")]);
    assert_eq!(tester(&document).send(&plain).0.reason(), Some(Reason::Missing));
}

#[test]
fn tolerated_tokens_stay_and_have_no_outputs() {
    let rules = json!([{"token": "ALLOW_MISSING_OR_FAILED"}]);
    let fields = json!({"outputClaimToHeaders": [{"header": "x-user", "claim": "sub"}]});
    let mut tester = tester(&with(document(fields), "rules", rules));
    let (answer, counts) = tester.send(&bearer(&good(json!({"exp": 1}))));
    let admission = answer.admission();
    assert!(admission.edits.set.is_empty() && admission.identity.is_none());
    assert!(!admission.edits.remove.iter().any(|name| name.as_str() == "authorization"));
    assert!(counts.contains(&Metric::AllowedWithFailedToken));
    let admission = tester.send(&bearer(&good(json!({})))).0.admission();
    assert_eq!(admission.edits.set.len(), 1);
    assert!(admission.identity.is_some());
}

#[test]
fn unverified_tokens_have_outputs_but_no_identity() {
    let fields = json!({"outputClaimToHeaders": [{"header": "x-user", "claim": "sub"}]});
    let document = with(document(fields), "rules", json!([{"token": "EXTRACT_ONLY"}]));
    let forged = good(json!({"exp": 1}));
    let forged = format!("{}AAAA", &forged[..forged.len() - 4]);
    let admission = tester(&document).send(&bearer(&forged)).0.admission();
    let added: Vec<_> =
        admission.edits.set.iter().map(|(name, value)| (name.as_str(), &value[..])).collect();
    assert_eq!(added, [("x-user", &b"alice"[..]), ("x-jwt-signature-verified", b"false")]);
    assert!(admission.identity.is_none());
    assert!(!admission.edits.remove.iter().any(|name| name.as_str() == "authorization"));
    let unreadable = tester(&document).send(&bearer("a.b.c")).0.admission();
    assert!(unreadable.edits.set.is_empty());
}

#[test]
fn rules_replace_the_audiences_of_providers() {
    let rules = json!([
        {"match": [{"uri": {"exact": "/x"}}], "audiences": ["other"]}, {},
    ]);
    let document = with(document(json!({"audiences": ["orders"]})), "rules", rules);
    let reason = |path: &str, audience: &str| {
        let value = format!("Bearer {}", good(json!({"aud": audience})));
        tester(&document).send(&request(path, [("authorization", value)])).0.reason()
    };
    assert_eq!(reason("/x", "other"), None);
    assert_eq!(reason("/x", "orders"), Some(Reason::AudienceNotAllowed));
    assert_eq!(reason("/", "orders"), None);
}

#[test]
fn only_named_providers_are_accepted() {
    let providers = json!([
        rule(json!({"name": "one"})),
        rule(json!({"name": "two", "issuer": "https://two"})),
    ]);
    let document = json!({"jwtRules": providers, "rules": [{"providers": {"any": ["two"]}}]});
    assert_eq!(tester(&document).bearer(&good(json!({}))), Some(Reason::UnknownIssuer));
    assert_eq!(tester(&document).bearer(&good(json!({"iss": "https://two"}))), None);
}

#[test]
fn providers_all_requires_a_token_of_each() {
    let output = |header| json!([{"header": header, "claim": "sub"}]);
    let providers = json!([
        rule(json!({"name": "one", "outputClaimToHeaders": output("x-one")})),
        rule(json!({
            "name": "two", "issuer": "https://two", "fromHeaders": [{"name": "x-two"}],
            "outputClaimToHeaders": output("x-sub-two"),
        })),
    ]);
    let document =
        json!({"jwtRules": providers, "rules": [{"providers": {"all": ["two", "one"]}}]});
    let two = good(json!({"iss": "https://two", "sub": "bob"}));
    let one = format!("Bearer {}", good(json!({})));
    let both = request("/", [("authorization", one.clone()), ("x-two", two.clone())]);
    let admission = tester(&document).send(&both).0.admission();
    let identity: Value = serde_json::from_slice(&admission.identity.unwrap()).unwrap();
    assert_eq!((&identity["provider"], &identity["sub"]), (&json!("two"), &json!("bob")));
    let added: Vec<_> = admission.edits.set.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(added, ["x-sub-two", "x-one"]);
    for headers in [request("/", [("authorization", one)]), request("/", [("x-two", two)])] {
        assert_eq!(tester(&document).send(&headers).0.reason(), Some(Reason::Missing));
    }
}

/// Conditions of a rule, changes to the valid claims, and the expected reason.
fn conditions() -> Vec<(Value, Value, Option<Reason>)> {
    let (scope, claim) = (Some(Reason::InsufficientScope), Some(Reason::ClaimNotAllowed));
    let step_up = Some(Reason::StepUpRequired);
    let when = |name: &str, member: &str, value: Value| json!({"when": [{"key": format!("request.auth.{name}"), member: value}]});
    vec![
        (json!({"scopes": {"all": ["a", "b"]}}), json!({"scope": "b c a"}), None),
        (json!({"scopes": {"all": ["a", "b"]}}), json!({"scope": "a", "scp": ["b"]}), None),
        (json!({"scopes": {"all": ["a", "b"]}}), json!({"scope": "a"}), scope),
        (json!({"scopes": {"any": ["a", "b"]}}), json!({"scp": "x b"}), None),
        (json!({"scopes": {"any": ["a", "b"]}}), json!({}), scope),
        (json!({"scopes": {"any": ["a"]}}), json!({"scope": "ab"}), scope),
        (json!({"requestPrincipals": ["*/alice"]}), json!({}), None),
        (json!({"requestPrincipals": ["*"]}), json!({"sub": null}), claim),
        (json!({"requestPrincipals": ["*/bob"]}), json!({}), claim),
        (json!({"notRequestPrincipals": ["*/alice"]}), json!({}), claim),
        (json!({"notRequestPrincipals": ["*/bob"]}), json!({}), None),
        (when("claims[groups]", "values", json!(["ops"])), json!({"groups": ["x", "ops"]}), None),
        (when("claims[groups]", "values", json!(["ops"])), json!({"groups": "x ops"}), claim),
        (when("claims[groups]", "values", json!(["ops"])), json!({}), claim),
        (when("claims[scope]", "values", json!(["b"])), json!({"scope": "a b"}), None),
        (when("claims[groups]", "notValues", json!(["ops"])), json!({}), None),
        (when("claims[groups]", "notValues", json!(["o*"])), json!({"groups": ["ops"]}), claim),
        (when("claims[groups]", "notValues", json!(["ops"])), json!({"groups": {"a": 1}}), claim),
        (when("claims[groups]", "notValues", json!(["ops"])), json!({"groups": [["ops"]]}), claim),
        (when("claims[groups]", "notValues", json!(["ops"])), json!({"groups": ["dev"]}), None),
        (when("claims[groups]", "notValues", json!(["ops"])), json!({"groups": null}), None),
        (when("claims.a.b", "values", json!(["*"])), json!({"a": {"b": 0}}), None),
        (when("claims[a][b]", "values", json!(["*"])), json!({"a": {"b": ""}}), claim),
        (
            when("claims[level]", "match", json!({"range": {"from": 3, "to": 9}})),
            json!({"level": 3}),
            None,
        ),
        (
            when("claims[level]", "match", json!({"range": {"from": 3, "to": 9}})),
            json!({"level": 9}),
            claim,
        ),
        (when("claims[admin]", "values", json!(["true"])), json!({"admin": true}), None),
        (when("audiences", "values", json!(["ord*"])), json!({}), None),
        (when("presenter", "values", json!(["web"])), json!({"azp": "web"}), None),
        (when("principal", "values", json!(["*alice"])), json!({}), None),
        (
            when("principal", "values", json!(["https://idp.example.com/*"])),
            json!({"sub": "a/b"}),
            None,
        ),
        (
            when("principal", "values", json!(["https://idp.example.com/b"])),
            json!({"sub": "a/b"}),
            claim,
        ),
        (when("principal", "notValues", json!(["*/a/b"])), json!({"sub": "a/b"}), claim),
        (when("principal", "notValues", json!(["*"])), json!({"sub": null}), None),
        (when("principal", "match", json!({"suffix": "/a/b"})), json!({"sub": "a/b"}), None),
        (when("principal", "match", json!({"suffix": "/a/b"})), json!({"sub": null}), claim),
        (
            json!({"requestPrincipals": ["https://idp.example.com/spiffe://td/ns/a/*"]}),
            json!({"sub": "spiffe://td/ns/a/sa/b"}),
            None,
        ),
        (
            json!({"notRequestPrincipals": ["https://idp.example.com/repo:org/x:*"]}),
            json!({"sub": "repo:org/x:ref:refs/heads/main"}),
            claim,
        ),
        (
            json!({"notRequestPrincipals": ["https://idp.example.com/*"]}),
            json!({"sub": null}),
            claim,
        ),
        (
            json!({"when": [{"any": [
                {"key": "request.auth.claims[a]", "values": ["1"]},
                {"key": "request.auth.claims[b]", "values": ["1"]},
            ]}]}),
            json!({"b": 1}),
            None,
        ),
        (json!({"stepUp": {"acrValues": ["mfa"]}}), json!({"acr": "mfa"}), None),
        (json!({"stepUp": {"acrValues": ["mfa"]}}), json!({"acr": "pwd"}), step_up),
        (json!({"stepUp": {"acrValues": ["mfa"]}}), json!({}), step_up),
        (json!({"stepUp": {"maxAge": "15m"}}), json!({"auth_time": NOW - 960}), None),
        (json!({"stepUp": {"maxAge": "15m"}}), json!({"auth_time": NOW - 961}), step_up),
        (json!({"stepUp": {"maxAge": "15m"}}), json!({"auth_time": NOW + 61}), step_up),
        (json!({"stepUp": {"maxAge": "15m"}}), json!({"auth_time": "now"}), step_up),
        (json!({"stepUp": {"maxAge": "15m"}}), json!({}), step_up),
    ]
}

#[test]
fn checks_conditions_of_new_and_cached_tokens() {
    for (conditions, changes, reason) in conditions() {
        let mut tester = tester(&with_rules(json!([conditions])));
        let token = good(changes.clone());
        assert_eq!(tester.bearer(&token), reason, "{conditions} {changes}");
        assert_eq!(tester.bearer(&token), reason, "remembered: {conditions} {changes}");
    }
}

#[test]
fn challenges_name_scopes_and_login() {
    let challenge = |conditions: Value| {
        let mut tester = tester(&with_rules(json!([conditions])));
        let reply = tester.send(&bearer(&good(json!({})))).0.reply();
        String::from_utf8(reply.headers[0].1.clone()).unwrap()
    };
    let scope = challenge(json!({"scopes": {"all": ["a"], "any": ["b", "c"]}}));
    assert!(
        scope.ends_with("error_description=\"Insufficient scope\", scope=\"a b c\""),
        "{scope}"
    );
    let login = challenge(json!({"stepUp": {"acrValues": ["mfa", "hw"], "maxAge": "15m"}}));
    assert!(login.ends_with("acr_values=\"mfa hw\", max_age=\"900\""), "{login}");
}

#[test]
fn cached_tokens_skip_only_the_signature_check() {
    let mut tester = tester(&document(json!({"clockSkew": "0s"})));
    let token = good(json!({"exp": NOW + 10}));
    let kinds = |counts: &[Metric]| {
        [Metric::TokenCacheMisses, Metric::TokenCacheHits, Metric::VerifyPure]
            .map(|metric| counts.contains(&metric))
    };
    assert_eq!(kinds(&tester.send(&bearer(&token)).1), [true, false, true]);
    assert_eq!(kinds(&tester.send(&bearer(&token)).1), [false, true, false]);
    tester.now = NOW + 10;
    assert_eq!(tester.bearer(&token), Some(Reason::Expired));
}

#[test]
fn caches_invalid_signatures_for_a_short_time() {
    let mut tester = tester(&document(json!({})));
    let good = good(json!({}));
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    for (now, hit) in [(NOW, false), (NOW, true), (NOW + 5, false)] {
        tester.now = now;
        let (answer, counts) = tester.send(&bearer(&forged));
        assert_eq!(answer.reason(), Some(Reason::BadSignature));
        assert_eq!(counts.contains(&Metric::TokenCacheNegativeHits), hit);
    }
    assert_eq!(tester.bearer(&good), None);
}

#[test]
fn cached_results_belong_to_one_provider() {
    let other = rule(json!({"name": "other", "jwks": json!({"keys": [
        crate::testing::named_key("p384")["jwk"],
    ]}).to_string()}));
    let document = json!({
        "jwtRules": [rule(json!({"name": "one"})), other],
        "rules": [
            {"match": [{"uri": {"exact": "/other"}}], "providers": {"any": ["other"]}},
            {"providers": {"any": ["one"]}},
        ],
    });
    let mut tester = tester(&document);
    let value = format!("Bearer {}", good(json!({})));
    let headers = |path| request(path, [("authorization", value.clone())]);
    assert_eq!(tester.send(&headers("/")).0.reason(), None);
    assert_eq!(tester.send(&headers("/other")).0.reason(), Some(Reason::KeyNotFound));
}

#[test]
fn warns_of_issuers_that_can_impersonate_another() {
    for (one, other, warned) in [
        ("https://idp", "https://idp/x", Some("jwtRules[1]")),
        ("https://idp/x", "https://idp", Some("jwtRules[0]")),
        ("https://idp", "https://idpx", None),
        ("https://idp", "https://idp", None),
        ("https://idp/", "https://idp/x", None),
    ] {
        let rules = [(one, "a"), (other, "b")]
            .map(|(issuer, name)| rule(json!({"issuer": issuer, "name": name})));
        let warnings = warnings(&tester(&json!({"jwtRules": rules})).policy);
        let found = warnings.contains(".issuer: begins with that of");
        assert_eq!(found, warned.is_some(), "{warnings}");
        assert!(warned.is_none_or(|path| warnings.contains(path)), "{warnings}");
    }
}
