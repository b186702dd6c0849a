#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;

#[test]
fn captures_variables() {
    for (template, path, captures) in [
        ("/", "/", Some(&[][..])),
        ("/a", "/a", Some(&[])),
        ("/a", "/a/", None),
        ("/a/", "/a/", Some(&[])),
        ("/a/{id}", "/a/7", Some(&[("id", "7")])),
        ("/a/{id=*}", "/a/7", Some(&[("id", "7")])),
        ("/a/{id}", "/a/", None),
        ("/a/{id}", "/a/7/", None),
        ("/{*}/{y}", "/x/z", Some(&[("y", "z")])),
        ("/f/{rest=**}", "/f/a/b", Some(&[("rest", "a/b")])),
        ("/f/{rest=**}", "/f/", Some(&[("rest", "")])),
        ("/f/{rest=**}", "/f", None),
        ("/{rest=**}", "/", Some(&[("rest", "")])),
        ("/f/{**}/", "/f/a/", Some(&[])),
        ("/f/{**}/", "/f//", Some(&[])),
        ("/f/{**}/", "/f/a", None),
        ("/f/{x=**}/g/h", "/f/a/g/g/h", Some(&[("x", "a/g")])),
        ("/f/{x=**}/g", "/f/g", None),
        ("/f/{x=**}/g", "/f/xg", None),
        ("/a", "a", None),
        ("/a", "", None),
        ("/é", "/é", Some(&[])),
    ] {
        let template: PathTemplate = template.parse().unwrap();
        let expected: Option<Vec<_>> = captures.map(|captures| {
            captures.iter().map(|(name, value)| (*name, value.as_bytes())).collect()
        });
        assert_eq!(template.captures(path.as_bytes()), expected, "{template} {path}");
    }
}

#[test]
fn refuses_invalid_templates() {
    let syntax = "must be a path template such as /orders/{id} or /files/{rest=**}";
    for (template, message) in [
        ("", syntax),
        ("a", syntax),
        ("/a?b", syntax),
        ("/a b", syntax),
        ("/{}", syntax),
        ("/{1}", syntax),
        ("/{a-b}", syntax),
        ("/{a=x}", syntax),
        ("/{a=***}", syntax),
        ("/a{x}", "must have a whole segment in braces, such as /{id}/"),
        ("/{x", "must have a whole segment in braces, such as /{id}/"),
        ("/*", "must have {*} for one segment and {**} for the rest, not a bare *"),
        ("/**", "must have {*} for one segment and {**} for the rest, not a bare *"),
        ("/a*", "must have {*} for one segment and {**} for the rest, not a bare *"),
        ("/{x}/{x}", "must have unique names"),
        ("/{**}/{x}", "must have only literal segments after {**}"),
        ("/{**}/{**}", "must have only literal segments after {**}"),
    ] {
        let error = serde_json::from_value::<PathTemplate>(json!(template)).unwrap_err();
        assert_eq!(error.to_string(), format!("{message}, got \"{template}\""));
    }
    for long in [format!("/{}", "a".repeat(1024)), "/a".repeat(65)] {
        assert_eq!(long.parse::<PathTemplate>(), Err(InvalidPathTemplate::TooLong));
    }
}

#[test]
fn returns_the_names_of_variables() {
    let template: PathTemplate = "/{a}/{*}/{b=**}".parse().unwrap();
    assert_eq!(template.names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(template.as_str(), "/{a}/{*}/{b=**}");
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn no_text_panics(template in "[/{}*=ab]{0,12}", path in "[/ab]{0,8}") {
        if let Ok(template) = template.parse::<PathTemplate>() {
            let _ = template.captures(path.as_bytes());
        }
    }
}
