//! Locations and numbers of tokens.

use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    Reason,
    algorithm::Algorithm,
    testing::{Tester, claims, document, plain, request, rule, tester, token, with},
};

fn good() -> String {
    token(Algorithm::EdDsa, &claims())
}

fn authorization(tester: &mut Tester, value: &str) -> Option<Reason> {
    let request = request("/", [("authorization", value)]);
    tester.send(&request).0.reason()
}

#[test]
fn reads_one_bearer_token_from_authorization() {
    let mut tester = tester(&document(json!({})));
    let (good, bad) = (good(), Some(Reason::BadFormat));
    for (value, reason) in [
        (format!("Bearer {good}"), None),
        (format!("bearer   {good}"), None),
        (format!("BEARER {good} "), None),
        ("Bearer abc".to_owned(), bad),
        (format!("Bearer {good} x"), Some(Reason::BadFormat)),
        (format!("Bearer {good}, Basic x"), None),
        (format!("Basic x, Bearer {good}"), None),
        (format!("Bearer {good},"), None),
        (format!("Bearer {good}, Bearer {good}"), None),
        (format!("Bearer {good}, Bearer x"), Some(Reason::MultipleTokens)),
        (format!("Bearer {good}, {good}"), Some(Reason::MultipleTokens)),
        ("Basic eDp5".to_owned(), None),
        ("Digest a=b, c=d".to_owned(), None),
        ("Bearer".to_owned(), None),
        (String::new(), None),
        (format!("x Bearer {good}"), None),
        (format!("Bearer{good}"), None),
    ] {
        assert_eq!(authorization(&mut tester, &value), reason, "{value}");
    }
}

#[test]
fn repeated_headers_are_one_list() {
    let good = format!("Bearer {}", good());
    let forged = format!("{}x", &good[..good.len() - 1]);
    for (values, reason) in [
        ([good.as_str(), "Basic x"], None),
        (["Basic x", good.as_str()], None),
        ([good.as_str(), good.as_str()], None),
        ([good.as_str(), forged.as_str()], Some(Reason::MultipleTokens)),
        ([forged.as_str(), good.as_str()], Some(Reason::MultipleTokens)),
    ] {
        let values = values.map(|value| ("authorization", value));
        let answer = tester(&document(json!({}))).send(&request("/", values)).0;
        assert_eq!(answer.reason(), reason, "{values:?}");
    }
}

#[test]
fn web_sockets_keep_their_other_protocols() {
    let protocol = "sec-websocket-protocol";
    for prefix in ["", "access_token, "] {
        let fields = json!({"fromHeaders": [{"name": protocol, "prefix": prefix}]});
        let value = format!("graphql-ws, {prefix}{}", good());
        let answer = tester(&document(fields)).send(&request("/", [(protocol, value)])).0;
        let edits = answer.admission().edits;
        assert!(edits.remove.iter().any(|name| name.as_str() == protocol), "{prefix}");
        let added: Vec<_> = edits.add.iter().map(|(_, value)| &value[..]).collect();
        assert_eq!(added, [b"graphql-ws"], "{prefix}");
    }
}

#[test]
fn accepts_cookies_with_a_prefix() {
    let good = good();
    for (prefix, cookie, found) in [
        ("Bearer ", format!("jwt=Bearer {good}"), Some(true)),
        ("Bearer ", format!("jwt=\"bearer {good}\""), Some(true)),
        ("Bearer%20", format!("jwt=Bearer%20{good}"), Some(true)),
        ("Bearer ", format!("jwt={good}"), Some(false)),
        ("Bearer ", format!("jwt=x; jwt=Bearer {good}"), Some(true)),
        ("Bearer ", format!("jwt={good}; jwt=Bearer {good}"), None),
        ("", format!("jwt={good}"), Some(true)),
    ] {
        let fields = json!({"fromCookies": [{"name": "jwt", "prefix": prefix}]});
        let answer = tester(&document(fields)).send(&request("/", [("cookie", cookie.clone())])).0;
        if let Some(found) = found {
            assert_eq!(answer.admission().identity.is_some(), found, "{prefix} {cookie}");
        } else {
            assert_eq!(answer.reason(), Some(Reason::MultipleTokens), "{prefix} {cookie}");
        }
    }
}

#[test]
fn removes_only_the_token_from_the_query() {
    let mut tester = tester(&document(json!({})));
    let good = good();
    for (path, rest) in [
        (format!("/?access_token={good}"), "/"),
        (format!("/a%20b?x=%41&access_token={good}&&y=1+2"), "/a%20b?x=%41&&y=1+2"),
        (format!("/?%61ccess_token={}", good.replace('.', "%2E")), "/"),
        (format!("/?access_token={good}#f?access_token=x"), "/#f?access_token=x"),
    ] {
        let admission = tester.send(&plain(&path)).0.admission();
        assert_eq!(admission.path.as_deref(), Some(rest.as_bytes()), "{path}");
        assert!(admission.identity.is_some());
    }
    for path in ["/", "/?access_token=", "/?xaccess_token=a", "/access_token=a"] {
        let admission = tester.send(&plain(path)).0.admission();
        assert_eq!(admission.path, None, "{path}");
        assert!(admission.identity.is_none());
    }
}

#[test]
fn repeated_tokens_count_once_and_empty_ones_not() {
    let fields = json!({"fromParams": ["t"], "fromCookies": ["t"]});
    let mut tester = tester(&document(fields));
    let good = good();
    let escaped = good.replace('.', "%2E");
    let several = Some(Reason::MultipleTokens);
    for (query, cookie, reason) in [
        (format!("t=&t={good}"), String::new(), None),
        (format!("t&t={good}"), String::new(), None),
        (format!("t={good}&x=1&t={escaped}"), String::new(), None),
        (String::new(), format!("t=; t={good}"), None),
        (String::new(), format!("t={good}; t=\"{good}\""), None),
        (format!("t={good}"), format!("t={good}"), None),
        (format!("t=a&t={good}"), String::new(), several),
        (String::new(), format!("t=a; t={good}"), several),
        (format!("t={good}"), "t=a.b.c".to_owned(), several),
    ] {
        let headers = request(&format!("/?{query}"), [("cookie", cookie.clone())]);
        let answer = tester.send(&headers).0;
        assert_eq!(answer.reason(), reason, "{query} {cookie}");
        if reason.is_none() {
            let admission = answer.admission();
            let path = admission.path.map(|path| String::from_utf8(path).unwrap());
            assert!(!path.is_some_and(|path| path.contains("t=")), "{query}");
            assert!(admission.edits.add.is_empty(), "{cookie}");
        }
    }
}

#[test]
fn removes_the_cookie_and_keeps_the_others_in_order() {
    let mut tester = tester(&document(json!({"fromCookies": ["jwt"]})));
    let good = good();
    for (cookies, rest) in [
        (vec![format!("a=1; jwt={good}; b=\"2\"")], Some("a=1; b=\"2\"")),
        (vec![format!("jwt=\"{good}\"")], None),
        (vec!["a=1;b=2".to_owned(), format!("jwt={good}")], Some("a=1; b=2")),
    ] {
        let values = cookies.iter().map(|value| ("cookie", value.clone()));
        let edits = tester.send(&request("/", values)).0.admission().edits;
        assert!(edits.remove.iter().any(|name| name.as_str() == "cookie"));
        let added = edits.add.first().map(|(_, value)| value.as_slice());
        assert_eq!(added, rest.map(str::as_bytes), "{cookies:?}");
    }
}

#[test]
fn two_values_of_a_cookie_are_two_tokens() {
    let mut tester = tester(&document(json!({"fromCookies": ["jwt"]})));
    for cookies in [vec!["jwt=a; jwt=b"], vec!["jwt=a", "jwt=b"]] {
        let values = cookies.iter().map(|value| ("cookie", *value));
        assert_eq!(tester.send(&request("/", values)).0.reason(), Some(Reason::MultipleTokens));
    }
}

#[test]
fn removes_only_tokens_that_are_not_forwarded() {
    let removes = |fields: Value| {
        let headers = crate::testing::bearer(&good());
        let edits = tester(&document(fields)).send(&headers).0.admission().edits;
        edits.remove.iter().any(|name| name.as_str() == "authorization")
    };
    assert!(removes(json!({})));
    assert!(!removes(json!({"forwardOriginalToken": true})));
}

#[test]
fn providers_accept_tokens_only_from_their_locations() {
    let other = rule(json!({"issuer": "https://two", "fromHeaders": [{"name": "X-Two"}]}));
    let mut tester = tester(&json!({"jwtRules": [rule(json!({})), other]}));
    let two = token(Algorithm::Es256, &with(claims(), "iss", json!("https://two")));
    let here = tester.send(&request("/", [("x-two", two.clone())])).0;
    assert_eq!(here.reason(), None);
    assert_eq!(authorization(&mut tester, &format!("Bearer {two}")), Some(Reason::UnknownIssuer));
}

#[test]
fn refuses_several_tokens_unless_all_must_be_valid() {
    let other = rule(json!({"issuer": "https://two", "fromHeaders": [{"name": "x-two"}]}));
    let two = token(Algorithm::Es256, &with(claims(), "iss", json!("https://two")));
    let both = |two: &str| {
        request("/", [("x-two", two.to_owned()), ("authorization", format!("Bearer {}", good()))])
    };
    let document = json!({"jwtRules": [rule(json!({})), other]});
    let answer = tester(&document).send(&both(&two)).0;
    assert_eq!(answer.reason(), Some(Reason::MultipleTokens));
    let mut lenient = tester(&with(document.clone(), "multipleTokens", json!("ALL_VALID")));
    let admission = lenient.send(&both(&two)).0.admission();
    let removed: Vec<_> = admission.edits.remove.iter().map(|name| name.as_str()).collect();
    assert!(removed.contains(&"x-two") && removed.contains(&"authorization"));
    let identity: Value = serde_json::from_slice(&admission.identity.unwrap()).unwrap();
    assert_eq!(identity["provider"], "jwt-0");
    assert_eq!(lenient.send(&both("a.b.c")).0.reason(), Some(Reason::BadHeader));
    let strict = with(with(document, "multipleTokens", json!("ALL_VALID")), "maxTokens", json!(1));
    assert_eq!(reason_for(&strict, &both(&two)), Some(Reason::MultipleTokens));
}

#[test]
fn refuses_a_second_token_in_another_reading_of_the_query() {
    let document = document(json!({}));
    let good = good();
    for (query, reason) in [
        ("access_token=GOOD&a=1", None),
        ("access_token=GOOD&a=1;b=2", None),
        ("a=1;access_token=FORGED&access_token=GOOD", Some(Reason::MultipleTokens)),
        ("access_token=GOOD&access%255ftoken=FORGED", Some(Reason::MultipleTokens)),
        ("access_token=GOOD&a;access%5ftoken=FORGED", Some(Reason::MultipleTokens)),
    ] {
        let path = format!("/?{}", query.replace("GOOD", &good));
        assert_eq!(reason_for(&document, &plain(&path)), reason, "{query}");
    }
}

fn reason_for(document: &Value, headers: &filter_core::Headers) -> Option<Reason> {
    tester(document).send(headers).0.reason()
}

#[test]
fn removes_a_token_from_all_its_locations() {
    let good = good();
    let path = format!("/?access_token={good}");
    let headers = request(&path, [("authorization", format!("Bearer {good}"))]);
    let admission = tester(&document(json!({}))).send(&headers).0.admission();
    assert_eq!(admission.path.as_deref(), Some(&b"/"[..]));
    assert!(admission.edits.remove.iter().any(|name| name.as_str() == "authorization"));
}

#[test]
fn needs_the_headers_of_tokens_and_outputs() {
    let needs = |fields| {
        let needs = tester(&document(fields)).policy.needs().headers.clone();
        needs.into_iter().collect::<Vec<_>>().join(" ")
    };
    let marks = "x-jwt-signature-verified";
    assert_eq!(needs(json!({})), format!(":path authorization connection {marks}"));
    let fields = json!({
        "fromHeaders": [{"name": "X-Jwt"}],
        "fromCookies": ["jwt"],
        "outputPayloadToHeader": "x-a",
    });
    assert_eq!(needs(fields), format!("connection cookie x-a x-jwt {marks}"));
}

#[test]
fn removes_tokens_from_two_cookies() {
    let two = rule(json!({"issuer": "https://two", "fromCookies": ["two"]}));
    let one = rule(json!({"fromCookies": ["one"]}));
    let document = json!({"jwtRules": [one, two], "multipleTokens": "ALL_VALID"});
    let second = token(Algorithm::Es256, &with(claims(), "iss", json!("https://two")));
    let cookies = format!("a=1; one={}; two={second}; b=2", good());
    let admission = tester(&document).send(&request("/", [("cookie", cookies)])).0.admission();
    let added: Vec<_> = admission.edits.add.iter().map(|(_, value)| &value[..]).collect();
    assert_eq!(added, [b"a=1; b=2"]);
}
