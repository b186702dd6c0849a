//! Decisions while keys and deny lists are fetched.

use std::time::Duration;

use filter_core::Request;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    Metric, Reason, Verdict, WaitPolicy,
    algorithm::Algorithm,
    key_source::{Answer, Control, Effect, Event, Kind},
    testing::{self, ISSUER, Tester, bearer, claims, tester, token, with},
};

const KEYS: usize = 0;

fn fetching(fetch: Value) -> Value {
    json!({"jwtRules": [{"issuer": ISSUER, "jwksFetch": fetch}]})
}

fn decide(tester: &mut Tester, token: &str, wait_policy: WaitPolicy) -> (Verdict, Vec<Metric>) {
    let request = Request { headers: bearer(token), ..Request::default() };
    let now = Duration::from_secs(tester.now);
    let decision = tester.policy.decide(&mut tester.worker, &request, now, wait_policy);
    (decision.verdict, decision.counts)
}

/// Returns the reason of a denial.
fn reason(verdict: &Verdict) -> Option<Reason> {
    match verdict {
        Verdict::Deny(denial) => Some(denial.rejection.reason()),
        Verdict::Allow(_) | Verdict::Wait(_) => None,
    }
}

/// Runs a fetch of a source that returns this document.
fn bring(tester: &mut Tester, source: usize, body: &str) {
    let now = Duration::from_secs(tester.now);
    let source = &mut tester.worker.sources[source];
    let effects = source.handle(Event::Tick(Control::default()), now, 1);
    let leased = effects.into_iter().find_map(|effect| match effect {
        Effect::Lease(control) => Some(control),
        _ => None,
    });
    source.handle(Event::Leased(leased.unwrap()), now, 1);
    let answer = |body: &str| {
        let headers = [(":status", "200")].into_iter().collect();
        Event::Answer(Answer { headers, body: Some(body.into()) })
    };
    let discovery = json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/keys")}).to_string();
    if source.spec().kind == Kind::Keys && source.generation() == 0 {
        source.handle(answer(&discovery), now, 1);
    }
    source.handle(answer(body), now, 1);
}

fn keys(algorithm: Algorithm) -> String {
    json!({"keys": [testing::key(algorithm)["jwk"]]}).to_string()
}

#[test]
fn cold_start_waits_refuses_or_admits_as_configured() {
    let good = token(Algorithm::Es256, &claims());
    let expired = token(Algorithm::Es256, &with(claims(), "exp", json!(1)));
    for (cold_start, waits, refused) in [
        ("PAUSE", true, Some(Reason::KeysUnavailable)),
        ("DENY", false, Some(Reason::KeysUnavailable)),
        ("ALLOW", false, None),
    ] {
        let mut tester = tester(&fetching(json!({"coldStart": cold_start})));
        let (verdict, counts) = decide(&mut tester, &good, WaitPolicy::MayWait);
        assert_eq!(matches!(verdict, Verdict::Wait(_)), waits, "{cold_start}");
        assert!(!waits || counts.is_empty(), "what waits is counted when it is decided");
        let (verdict, counts) = decide(&mut tester, &good, WaitPolicy::DecideNow);
        assert_eq!(reason(&verdict), refused, "{cold_start}");
        assert_eq!(counts.contains(&Metric::AllowedColdStart), refused.is_none());
        let (verdict, _) = decide(&mut tester, &expired, WaitPolicy::MayWait);
        assert_eq!(reason(&verdict), Some(Reason::Expired), "{cold_start}");
    }
}

#[test]
fn cold_start_allow_keeps_the_token_and_does_not_waive_conditions() {
    let document = fetching(json!({"coldStart": "ALLOW"}));
    let good = token(Algorithm::Es256, &claims());
    let mut open = tester(&document);
    let Verdict::Allow(admission) = decide(&mut open, &good, WaitPolicy::MayWait).0 else {
        panic!("refused")
    };
    assert_eq!(admission.identity, None);
    let removed = admission.edits.remove.iter().any(|name| name.as_str() == "authorization");
    assert!(!removed);
    let mut closed = tester(&with(document, "rules", json!([{"scopes": {"any": ["a"]}}])));
    let (verdict, _) = decide(&mut closed, &good, WaitPolicy::MayWait);
    assert_eq!(reason(&verdict), Some(Reason::KeysUnavailable));
}

#[test]
fn decides_waiting_requests_when_keys_arrive() {
    let mut tester = tester(&fetching(json!({})));
    let good = token(Algorithm::Es256, &claims());
    assert!(matches!(decide(&mut tester, &good, WaitPolicy::MayWait).0, Verdict::Wait(_)));
    bring(&mut tester, KEYS, &keys(Algorithm::Es256));
    assert!(matches!(decide(&mut tester, &good, WaitPolicy::MayWait).0, Verdict::Allow(_)));
}

#[test]
fn unknown_keys_wait_for_one_fetch() {
    let mut tester = tester(&fetching(json!({"unknownKidInterval": "0s"})));
    bring(&mut tester, KEYS, &keys(Algorithm::Rs256));
    tester.now += 1;
    let unknown = token(Algorithm::Es256, &claims());
    assert!(matches!(decide(&mut tester, &unknown, WaitPolicy::MayWait).0, Verdict::Wait(_)));
    let now = Duration::from_secs(tester.now);
    let fresh_until = now + Duration::from_secs(300);
    let control = Control { generation: 1, fetched: now, fresh_until, ..Control::default() };
    tester.worker.sources[KEYS].handle(Event::Control(control), now, 1);
    let (verdict, counts) = decide(&mut tester, &unknown, WaitPolicy::MayWait);
    assert_eq!(reason(&verdict), Some(Reason::KeyNotFound));
    assert!(counts.contains(&Metric::JwksRefetchLimited));
}

#[test]
fn fetches_a_named_key_even_if_keys_without_kid_fit() {
    let mut tester = tester(&fetching(json!({})));
    let nameless = json!({"keys": [testing::other_key(Algorithm::Es256)]}).to_string();
    bring(&mut tester, KEYS, &nameless);
    tester.now += 1;
    let token = token(Algorithm::Es256, &claims());
    assert!(matches!(decide(&mut tester, &token, WaitPolicy::MayWait).0, Verdict::Wait(_)));
    let (verdict, counts) = decide(&mut tester, &token, WaitPolicy::DecideNow);
    assert_eq!(reason(&verdict), Some(Reason::BadSignature));
    assert!(!counts.contains(&Metric::TokenCacheNegativeHits), "{counts:?}");
}

#[test]
fn changed_keys_invalidate_cached_tokens() {
    let mut tester = tester(&fetching(json!({"unknownKidInterval": "0s"})));
    bring(&mut tester, KEYS, &keys(Algorithm::Es256));
    let good = token(Algorithm::Es256, &claims());
    decide(&mut tester, &good, WaitPolicy::DecideNow);
    let (_, counts) = decide(&mut tester, &good, WaitPolicy::DecideNow);
    assert!(counts.contains(&Metric::TokenCacheHits));
    tester.now += 300;
    bring(&mut tester, KEYS, &keys(Algorithm::Rs256));
    let (verdict, counts) = decide(&mut tester, &good, WaitPolicy::DecideNow);
    assert_eq!(reason(&verdict), Some(Reason::KeyNotFound));
    assert!(!counts.contains(&Metric::TokenCacheHits));
}

#[test]
fn dry_run_never_waits() {
    let mut tester = tester(&with(fetching(json!({})), "dryRun", json!(true)));
    let good = token(Algorithm::Es256, &claims());
    let (verdict, _) = decide(&mut tester, &good, WaitPolicy::MayWait);
    assert_eq!(reason(&verdict), Some(Reason::KeysUnavailable));
}

#[test]
fn checks_every_request_against_a_fetched_deny_list() {
    let with_id = |id: &str| token(Algorithm::Es256, &with(claims(), "jti", json!(id)));
    for (on_unavailable, before) in [("DENY", Some(Reason::RevocationUnavailable)), ("ALLOW", None)]
    {
        let revocation = json!({"uri": "https://a/revoked", "onUnavailable": on_unavailable});
        let mut tester = tester(&testing::document(json!({"revocation": revocation})));
        let (verdict, _) = decide(&mut tester, &with_id("1"), WaitPolicy::DecideNow);
        assert_eq!(reason(&verdict), before, "{on_unavailable}");
        bring(&mut tester, 0, "{\"jti\":[\"1\"]}");
        let (verdict, _) = decide(&mut tester, &with_id("1"), WaitPolicy::DecideNow);
        assert_eq!(reason(&verdict), Some(Reason::Revoked));
        let (verdict, _) = decide(&mut tester, &with_id("2"), WaitPolicy::DecideNow);
        assert_eq!(reason(&verdict), None);
        let (verdict, _) =
            decide(&mut tester, &token(Algorithm::Es256, &claims()), WaitPolicy::DecideNow);
        assert_eq!(reason(&verdict), Some(Reason::Revoked), "without jti");
    }
}

#[test]
fn requests_wait_for_max_pause() {
    let mut tester = tester(&fetching(json!({"maxPause": "3s"})));
    let (verdict, _) =
        decide(&mut tester, &token(Algorithm::Es256, &claims()), WaitPolicy::MayWait);
    let Verdict::Wait(wait) = verdict else { panic!("{verdict:?}") };
    assert_eq!((wait.source, wait.max), (KEYS, Duration::from_secs(3)));
}

#[test]
fn retry_after_is_the_time_of_the_next_fetch() {
    let mut tester = tester(&fetching(json!({"coldStart": "DENY"})));
    let good = token(Algorithm::Es256, &claims());
    for (next, wanted) in [(0, "1"), (7, "7"), (600, "60")] {
        let next = Duration::from_secs(tester.now + next);
        let now = Duration::from_secs(tester.now);
        let control = Control { next_fetch: next, last_attempt: now, ..Control::default() };
        tester.worker.sources[KEYS].handle(Event::Control(control), now, 1);
        let reply = tester.send(&bearer(&good)).0.reply();
        let value = reply.headers.iter().find(|(name, _)| name.as_str() == "retry-after");
        assert_eq!(value.unwrap().1, wanted.as_bytes());
    }
}

/// A configuration with one rule and two providers: `cold`, whose keys are not fetched yet, and
/// `warm`, whose keys are inline.
fn two_tokens(cold_start: &str, rule: Value) -> Value {
    let writes = |header: &str| json!([{"header": header, "claim": "sub"}]);
    let cold = json!({
        "name": "cold", "issuer": ISSUER, "jwksFetch": {"coldStart": cold_start},
        "outputClaimToHeaders": writes("x-cold"),
    });
    let warm = testing::rule(json!({
        "name": "warm", "issuer": "https://warm", "fromHeaders": [{"name": "x-warm"}],
        "outputClaimToHeaders": writes("x-from-warm"),
    }));
    json!({"jwtRules": [cold, warm], "rules": [rule]})
}

#[test]
fn cold_start_allow_waives_only_unchecked_tokens() {
    let cold = token(Algorithm::Es256, &claims());
    let warm_claims = with(claims(), "iss", json!("https://warm"));
    let warm = token(Algorithm::Es256, &warm_claims);
    let forged = format!("{}AAAA", &warm[..warm.len() - 4]);
    let late = token(Algorithm::Es256, &with(warm_claims, "exp", json!(1)));
    let old = token(Algorithm::Es256, &with(claims(), "exp", json!(1)));
    let all = json!({"providers": {"all": ["cold", "warm"]}});
    let scopes = with(all.clone(), "scopes", json!({"any": ["a"]}));
    let (missing, unavailable) = (Some(Reason::Missing), Some(Reason::KeysUnavailable));
    for (rule, cold, warm, refused) in [
        (&all, Some(&cold), Some(&warm), None),
        (&all, Some(&cold), None, missing),
        (&all, None, Some(&warm), missing),
        (&all, None, None, missing),
        (&all, Some(&cold), Some(&forged), Some(Reason::BadSignature)),
        (&all, Some(&cold), Some(&late), Some(Reason::Expired)),
        (&all, Some(&old), Some(&warm), Some(Reason::Expired)),
        (&scopes, Some(&cold), Some(&warm), unavailable),
    ] {
        for cold_start in ["ALLOW", "PAUSE"] {
            let mut tester = tester(&two_tokens(cold_start, rule.clone()));
            let mut headers = testing::plain("/");
            cold.iter().for_each(|t| headers.push("authorization", format!("Bearer {t}")));
            warm.iter().for_each(|token| headers.push("x-warm", token.as_bytes()));
            let request = Request { headers, ..Request::default() };
            let now = Duration::from_secs(tester.now);
            let decision =
                tester.policy.decide(&mut tester.worker, &request, now, WaitPolicy::MayWait);
            let waits = cold_start == "PAUSE" && refused.is_none_or(|r| Some(r) == unavailable);
            assert_eq!(matches!(decision.verdict, Verdict::Wait(_)), waits, "{rule}");
            if !waits {
                assert_eq!(reason(&decision.verdict), refused, "{cold_start} {rule}");
            }
        }
    }
}

#[test]
fn other_tokens_keep_their_outputs() {
    let cold = token(Algorithm::Es256, &claims());
    let warm = token(Algorithm::Es256, &with(claims(), "iss", json!("https://warm")));
    for (order, identity) in [(["cold", "warm"], false), (["warm", "cold"], true)] {
        let rule = json!({"providers": {"all": order}});
        let mut tester = tester(&two_tokens("ALLOW", rule));
        let value = format!("Bearer {cold}");
        let headers = testing::request("/", [("authorization", value), ("x-warm", warm.clone())]);
        let (answer, counts) = tester.send(&headers);
        let admission = answer.admission();
        let names = |list: &[filter_core::HeaderName]| -> Vec<String> {
            list.iter().map(ToString::to_string).collect()
        };
        let written: Vec<_> = admission.edits.set.iter().map(|(n, _)| n.clone()).collect();
        assert_eq!(names(&written), ["x-from-warm"]);
        assert_eq!(names(&admission.edits.remove), ["x-warm"], "the cold token stays");
        assert_eq!(admission.identity.is_some(), identity, "{order:?}");
        assert!(counts.contains(&Metric::AllowedColdStart));
    }
}
