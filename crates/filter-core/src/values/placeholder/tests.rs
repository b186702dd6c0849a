#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;
use crate::Headers;

const ALL: [PlaceholderKind; 5] = [
    PlaceholderKind::Request,
    PlaceholderKind::Claim,
    PlaceholderKind::Path,
    PlaceholderKind::Tag,
    PlaceholderKind::Rule,
];

fn request() -> Request {
    let headers = [
        ("x-a", b"one".to_vec()),
        ("x-a", b"two".to_vec()),
        (":authority", b"shop".to_vec()),
        ("x-break", b"a\r\nb: c".to_vec()),
        ("x-high", b"\xe9".to_vec()),
        ("x-long", vec![b'x'; 1025]),
        ("x-edge", vec![b'x'; 1024]),
        ("x-empty", Vec::new()),
    ];
    Request {
        headers: Headers::from_iter(headers),
        claims: Some(json!({"sub": "alice", "n": 7, "l": ["a"], "nl": "a\nb"})),
        ..Request::default()
    }
}

fn expanded(text: &str) -> Option<String> {
    let request = request();
    let text = PlaceholderText::parse(text, &ALL).unwrap();
    let value = text.expand(|placeholder| placeholder.of_request(&request));
    value.map(|value| String::from_utf8(value).unwrap())
}

#[test]
fn expands_placeholders() {
    for (text, value) in [
        ("", ""),
        ("plain", "plain"),
        ("100%%", "100%"),
        ("%%%%", "%%"),
        ("a-%REQ(X-A)%-%CLAIM(n)%", "a-one-7"),
        ("%REQ(:authority)%", "shop"),
        ("%REQ(host)%%CLAIM(sub)%", "shopalice"),
        ("%REQ(x-empty)%", ""),
    ] {
        assert_eq!(expanded(text).as_deref(), Some(value), "{text}");
    }
    assert_eq!(expanded("%REQ(x-edge)%").unwrap().len(), 1024);
}

#[test]
fn refuses_absent_and_unprintable_values() {
    for text in [
        "%REQ(x-none)%",
        "%REQ(x-break)%",
        "%REQ(x-high)%",
        "%REQ(x-long)%",
        "%CLAIM(none)%",
        "%CLAIM(l)%",
        "%CLAIM(nl)%",
        "a%RULE%",
    ] {
        assert_eq!(expanded(text), None, "{text}");
    }
}

#[test]
fn a_text_without_placeholders_is_literal() {
    for (text, literal) in [("", Some("")), ("a%%b", Some("a%b")), ("a%TAG%", None)] {
        assert_eq!(PlaceholderText::parse(text, &ALL).unwrap().as_literal(), literal, "{text}");
    }
}

#[test]
fn errors_list_the_allowed_placeholders() {
    let unfinished = "must have %% for a percent sign, or a whole placeholder such as %REQ(name)%";
    let allowed = [PlaceholderKind::Request, PlaceholderKind::Rule];
    let other = |got: &str| {
        format!("must have no placeholders other than %REQ(name)%, %RULE%, got %{got}%")
    };
    for (text, message) in [
        ("50%", unfinished.to_owned()),
        ("%RULE", unfinished.to_owned()),
        ("%TAG%", other("TAG")),
        ("%REQ()%", other("REQ()")),
        ("%REQ(a b)%", other("REQ(a b)")),
        ("%REQ(a)x%", other("REQ(a)x")),
        ("%REQ%", other("REQ")),
        ("%RULE()%", other("RULE()")),
        ("%START_TIME%", other("START_TIME")),
        ("% a %", other(" a ")),
    ] {
        let error = PlaceholderText::parse(text, &allowed).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn needs_contain_headers_claims_and_path() {
    let text = "%REQ(x-a)%%CLAIM(a)%%PATH(p)%%TAG(x-t)%%RULE%";
    let mut needs = Needs::default();
    PlaceholderText::parse(text, &ALL)
        .unwrap()
        .placeholders()
        .for_each(|p| p.add_needs(&mut needs));
    assert_eq!(needs.headers.iter().collect::<Vec<_>>(), [":path", "x-a"]);
    assert!(needs.claims && needs.path && !needs.cookies);
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn expanded_values_are_printable(text in "[%A-Z()a-z]{0,24}", value: Vec<u8>) {
        if let Ok(text) = PlaceholderText::parse(&text, &ALL) {
            let filled = text.expand(|_| Some(Cow::Borrowed(&value))).unwrap_or_default();
            proptest::prop_assert!(filled.iter().all(|byte| (0x20..=0x7e).contains(byte)));
        }
    }
}
