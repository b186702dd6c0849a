//! Where tokens are found, and how many there may be.

use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    Reason,
    algorithm::Algorithm,
    testing::{Asked, asked, claims, document, plain, request, rule, token, with},
};

fn good() -> String {
    token(Algorithm::EdDsa, &claims())
}

fn authorization(asked: &mut Asked, value: &str) -> Option<Reason> {
    let request = request("/", [("authorization", value)]);
    asked.ask(&request).0.reason()
}

#[test]
fn the_authorization_header_holds_one_bearer_token() {
    let mut asked = asked(&document(json!({})));
    let (good, bad) = (good(), Some(Reason::BadFormat));
    for (value, reason) in [
        (format!("Bearer {good}"), None),
        (format!("bearer   {good}"), None),
        (format!("BEARER {good} "), None),
        ("Bearer abc".to_owned(), bad),
        (format!("Bearer {good} x"), Some(Reason::BadFormat)),
        (format!("Bearer {good}, Basic x"), Some(Reason::MultipleTokens)),
        (format!("Basic x, Bearer {good}"), Some(Reason::MultipleTokens)),
        (format!("Bearer {good},"), Some(Reason::MultipleTokens)),
        ("Basic eDp5".to_owned(), None),
        ("Digest a=b, c=d".to_owned(), None),
        ("Bearer".to_owned(), None),
        (String::new(), None),
        (format!("x Bearer {good}"), None),
        (format!("Bearer{good}"), None),
    ] {
        assert_eq!(authorization(&mut asked, &value), reason, "{value}");
    }
}

#[test]
fn two_authorization_headers_are_two_tokens() {
    let values = [("authorization", format!("Bearer {}", good())), ("authorization", "x".into())];
    let answer = asked(&document(json!({}))).ask(&request("/", values));
    assert_eq!(answer.0.reason(), Some(Reason::MultipleTokens));
}

#[test]
fn a_token_is_cut_out_of_the_query_and_nothing_else() {
    let mut asked = asked(&document(json!({})));
    let good = good();
    for (path, rest) in [
        (format!("/?access_token={good}"), "/"),
        (format!("/a%20b?x=%41&access_token={good}&&y=1+2"), "/a%20b?x=%41&&y=1+2"),
        (format!("/?%61ccess_token={}", good.replace('.', "%2E")), "/"),
        (format!("/?access_token={good}#f?access_token=x"), "/#f?access_token=x"),
    ] {
        let admission = asked.ask(&plain(&path)).0.admission();
        assert_eq!(admission.path.as_deref(), Some(rest.as_bytes()), "{path}");
        assert!(admission.identity.is_some());
    }
    for path in ["/", "/?access_token=", "/?xaccess_token=a", "/access_token=a"] {
        let admission = asked.ask(&plain(path)).0.admission();
        assert_eq!(admission.path, None, "{path}");
        assert!(admission.identity.is_none());
    }
}

#[test]
fn a_parameter_that_occurs_twice_is_two_tokens() {
    let mut asked = asked(&document(json!({})));
    for path in ["/?access_token=a&access_token=a", "/?access_token=&access_token=a"] {
        let answer = asked.ask(&plain(path)).0;
        assert_eq!(answer.reason(), Some(Reason::MultipleTokens), "{path}");
    }
}

#[test]
fn a_cookie_is_cut_out_and_the_others_stay_in_order() {
    let mut asked = asked(&document(json!({"fromCookies": ["jwt"]})));
    let good = good();
    for (cookies, rest) in [
        (vec![format!("a=1; jwt={good}; b=\"2\"")], Some("a=1; b=\"2\"")),
        (vec![format!("jwt=\"{good}\"")], None),
        (vec!["a=1;b=2".to_owned(), format!("jwt={good}")], Some("a=1; b=2")),
    ] {
        let values = cookies.iter().map(|value| ("cookie", value.clone()));
        let edits = asked.ask(&request("/", values)).0.admission().edits;
        assert!(edits.remove.iter().any(|name| name.as_str() == "cookie"));
        let added = edits.add.first().map(|(_, value)| value.as_slice());
        assert_eq!(added, rest.map(str::as_bytes), "{cookies:?}");
    }
}

#[test]
fn a_cookie_that_occurs_twice_is_two_tokens() {
    let mut asked = asked(&document(json!({"fromCookies": ["jwt"]})));
    for cookies in [vec!["jwt=a; jwt=a"], vec!["jwt=a", "jwt=b"]] {
        let values = cookies.iter().map(|value| ("cookie", *value));
        assert_eq!(asked.ask(&request("/", values)).0.reason(), Some(Reason::MultipleTokens));
    }
}

#[test]
fn only_a_verified_token_that_is_not_forwarded_is_removed() {
    let removes = |fields: Value| {
        let headers = crate::testing::bearer(&good());
        let edits = asked(&document(fields)).ask(&headers).0.admission().edits;
        edits.remove.iter().any(|name| name.as_str() == "authorization")
    };
    assert!(removes(json!({})));
    assert!(!removes(json!({"forwardOriginalToken": true})));
}

#[test]
fn a_provider_takes_tokens_only_from_its_own_locations() {
    let other = rule(json!({"issuer": "https://two", "fromHeaders": [{"name": "X-Two"}]}));
    let mut asked = asked(&json!({"jwtRules": [rule(json!({})), other]}));
    let two = token(Algorithm::Es256, &with(claims(), "iss", json!("https://two")));
    let here = asked.ask(&request("/", [("x-two", two.clone())])).0;
    assert_eq!(here.reason(), None);
    assert_eq!(authorization(&mut asked, &format!("Bearer {two}")), Some(Reason::UnknownIssuer));
}

#[test]
fn several_tokens_are_refused_unless_all_must_be_valid() {
    let other = rule(json!({"issuer": "https://two", "fromHeaders": [{"name": "x-two"}]}));
    let two = token(Algorithm::Es256, &with(claims(), "iss", json!("https://two")));
    let both = |two: &str| {
        request("/", [("x-two", two.to_owned()), ("authorization", format!("Bearer {}", good()))])
    };
    let document = json!({"jwtRules": [rule(json!({})), other]});
    let answer = asked(&document).ask(&both(&two)).0;
    assert_eq!(answer.reason(), Some(Reason::MultipleTokens));
    let mut lenient = asked(&with(document.clone(), "multipleTokens", json!("ALL_VALID")));
    let admission = lenient.ask(&both(&two)).0.admission();
    let removed: Vec<_> = admission.edits.remove.iter().map(|name| name.as_str()).collect();
    assert!(removed.contains(&"x-two") && removed.contains(&"authorization"));
    let identity: Value = serde_json::from_slice(&admission.identity.unwrap()).unwrap();
    assert_eq!(identity["provider"], "jwt-0");
    assert_eq!(lenient.ask(&both("a.b.c")).0.reason(), Some(Reason::BadHeader));
    let strict = with(with(document, "multipleTokens", json!("ALL_VALID")), "maxTokens", json!(1));
    assert_eq!(asked_reason(&strict, &both(&two)), Some(Reason::MultipleTokens));
}

fn asked_reason(document: &Value, headers: &filter_core::Headers) -> Option<Reason> {
    asked(document).ask(headers).0.reason()
}

#[test]
fn the_same_bytes_in_two_places_are_one_token_and_both_go() {
    let good = good();
    let path = format!("/?access_token={good}");
    let headers = request(&path, [("authorization", format!("Bearer {good}"))]);
    let admission = asked(&document(json!({}))).ask(&headers).0.admission();
    assert_eq!(admission.path.as_deref(), Some(&b"/"[..]));
    assert!(admission.edits.remove.iter().any(|name| name.as_str() == "authorization"));
}

#[test]
fn what_holds_tokens_and_what_is_stripped_is_read() {
    let needs = |fields| {
        let needs = asked(&document(fields)).policy.needs().headers.clone();
        needs.into_iter().collect::<Vec<_>>().join(" ")
    };
    let marks = "x-jwt-signature-verified";
    assert_eq!(needs(json!({})), format!(":path authorization {marks}"));
    let fields = json!({
        "fromHeaders": [{"name": "X-Jwt"}],
        "fromCookies": ["jwt"],
        "outputPayloadToHeader": "x-a",
    });
    assert_eq!(needs(fields), format!("cookie x-a x-jwt {marks}"));
}

#[test]
fn two_tokens_in_two_cookies_both_go() {
    let two = rule(json!({"issuer": "https://two", "fromCookies": ["two"]}));
    let one = rule(json!({"fromCookies": ["one"]}));
    let document = json!({"jwtRules": [one, two], "multipleTokens": "ALL_VALID"});
    let second = token(Algorithm::Es256, &with(claims(), "iss", json!("https://two")));
    let cookies = format!("a=1; one={}; two={second}; b=2", good());
    let admission = asked(&document).ask(&request("/", [("cookie", cookies)])).0.admission();
    let added: Vec<_> = admission.edits.add.iter().map(|(_, value)| &value[..]).collect();
    assert_eq!(added, [b"a=1; b=2"]);
}
