#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use Answer::{No, Unsure, Yes};

use super::*;

fn at<'a>(path: impl AsRef<[u8]>, others: impl IntoIterator<Item = (&'a str, &'a str)>) -> Request {
    let mut headers = Headers::from_iter(others);
    headers.push(":path", path);
    Request { headers, ..Request::default() }
}

#[test]
fn matches_a_path_in_all_readings() {
    let closed = json!({"uri": {"prefix": "/admin"}});
    let opened = json!({"uri": {"prefix": "/public"}});
    for (path, is_closed, is_open) in [
        (&b"/admin"[..], Yes, No),
        (b"/admin/\xff", Yes, No),
        (b"/public/a%2Fb", No, Yes),
        (b"/public/a%20b;v=1//c", No, Yes),
        (b"/public/..;/admin", Unsure, Unsure),
        (b"/public/%2e%2e;/admin", Unsure, Unsure),
        (b"//admin", Unsure, No),
        (b"/%61dmin", Unsure, No),
        (b"/other%2f..%2fother", No, No),
    ] {
        let (request, shown) = (at(path, []), path.escape_ascii());
        for (entry, answer) in [(&closed, is_closed), (&opened, is_open)] {
            assert_eq!(guarded(entry, &request), answer, "{shown} {entry}");
            assert_eq!(guarded(&json!({"not": entry}), &request), !answer, "{shown} not {entry}");
        }
    }
}

#[test]
fn matches_an_authority_in_all_readings() {
    let entry = json!({"authority": {"exact": "admin.example.com"}});
    let by_header = json!({"headers": {"Host": {"exact": "admin.example.com"}}});
    let by_attribute = json!({"attributes": {"request.host": {"exact": "admin.example.com"}}});
    for (authority, answer) in [
        ("admin.example.com", Yes),
        ("ADMIN.example.com", Unsure),
        ("admin.example.com:81", Unsure),
        ("admin.example.com.", Unsure),
        ("Admin.Example.Com.:443", Unsure),
        ("other.example.com", No),
        ("other.example.com:81", No),
    ] {
        let request = request([(":authority", authority)]);
        for entry in [&entry, &by_header, &by_attribute] {
            assert_eq!(guarded(entry, &request), answer, "{authority} {entry}");
        }
        let without = json!({"withoutHeaders": {"host": {"exact": "admin.example.com"}}});
        assert_eq!(guarded(&without, &request), !answer, "{authority}");
    }
}

#[test]
fn matches_attributes_of_the_request_in_all_readings() {
    let request = at("/a/../b?c", [(":method", "GET"), (":scheme", "https")]);
    for (entry, answer) in [
        (json!({"attributes": {"request.url_path": {"exact": "/b"}}}), Unsure),
        (json!({"attributes": {"request.url_path": {"prefix": "/"}}}), Yes),
        (json!({"attributes": {"request.method": {"exact": "GET"}}}), Yes),
        (json!({"attributes": {"request.scheme": {"exact": "http"}}}), No),
    ] {
        assert_eq!(guarded(&entry, &request), answer, "{entry}");
    }
}

#[test]
fn repeated_values_must_agree_in_access_control() {
    let request = at(
        "/?scope=public&scope=admin&one=1&plus=a+b&semi=1;role=admin&two=%2561&bytes=%ff",
        [
            ("x", "a"),
            ("x", "b"),
            ("y", "a"),
            ("cookie", "role=user; quoted=\"v\"; coded=%61; same=1"),
            ("cookie", "role=admin; same=1"),
        ],
    );
    for (entry, answer) in [
        (json!({"headers": {"x": {"exact": "a"}}}), Unsure),
        (json!({"headers": {"x": {"regex": "[ab]"}}}), Yes),
        (json!({"headers": {"x": {"exact": "c"}}}), No),
        (json!({"headers": {"y": {"exact": "a"}}}), Yes),
        (json!({"headers": {"z": {"exact": "a"}}}), No),
        (json!({"withoutHeaders": {"x": {"exact": "a"}}}), Unsure),
        (json!({"withoutHeaders": {"z": {}}}), Yes),
        (json!({"queryParams": {"scope": {"exact": "public"}}}), Unsure),
        (json!({"queryParams": {"scope": {}}}), Yes),
        (json!({"queryParams": {"one": {"exact": "1"}}}), Yes),
        (json!({"queryParams": {"plus": {"exact": "a b"}}}), Unsure),
        (json!({"queryParams": {"plus": {"prefix": "a"}}}), Yes),
        (json!({"queryParams": {"role": {"exact": "admin"}}}), Unsure),
        (json!({"queryParams": {"two": {"exact": "a"}}}), Unsure),
        (json!({"queryParams": {"bytes": {"prefix": "admin"}}}), No),
        (json!({"cookies": {"role": {"exact": "admin"}}}), Unsure),
        (json!({"cookies": {"same": {"exact": "1"}}}), Yes),
        (json!({"cookies": {"quoted": {"exact": "v"}}}), Unsure),
        (json!({"cookies": {"coded": {"exact": "a"}}}), Unsure),
    ] {
        assert_eq!(guarded(&entry, &request), answer, "{entry}");
        assert_eq!(guarded(&json!({"not": entry}), &request), !answer, "not {entry}");
    }
}

#[test]
fn values_that_cannot_be_parsed_are_unsure() {
    let request = Request {
        claims: Some(json!({"o": {"a": 1}, "l": ["a", {}], "s": "x"})),
        ..request([("x", "a"), ("y", "b\u{ff}")])
    };
    for (entry, answer) in [
        (json!({"headers": {"x": {"range": {"from": 1}}}}), Unsure),
        (json!({"headers": {"z": {"range": {"from": 1}}}}), No),
        (json!({"headers": {"y": {"semver": "*"}}}), Unsure),
        (json!({"source": {"ip": "0.0.0.0/0"}}), Unsure),
        (json!({"source": {"principal": {"present": true}}}), No),
        (json!({"claims": {"o": {"exact": "a"}}}), Unsure),
        (json!({"claims": {"l": {"exact": "a"}}}), Yes),
        (json!({"claims": {"l": {"exact": "b"}}}), Unsure),
        (json!({"claims": {"s": {"exact": "b"}}}), No),
    ] {
        assert_eq!(guarded(&entry, &request), answer, "{entry}");
        assert_eq!(guarded(&json!({"not": entry}), &request), !answer, "not {entry}");
    }
}

#[test]
fn the_first_rule_is_sure_only_if_all_readings_choose_it() {
    let rules = json!([
        [{"uri": {"exact": "/health"}}],
        [{"uri": {"prefix": "/public"}}, {"uri": {"prefix": "/assets"}}],
        [{"pathTemplate": "/files/{name}"}],
        [],
    ]);
    for (path, first) in [
        ("/health", Some(Match::Sure(0))),
        ("/health;v=1", Some(Match::Unsure(0))),
        ("/public/a", Some(Match::Sure(1))),
        // Both readings choose the same rule, by different matches.
        ("/public/../assets/x", Some(Match::Sure(1))),
        ("/public%2f../public/x", Some(Match::Sure(1))),
        ("/public/../other/x", Some(Match::Unsure(1))),
        ("/files/a", Some(Match::Sure(2))),
        ("/files/a%2Fb", Some(Match::Unsure(2))),
        ("/other/a%2Fb", Some(Match::Sure(3))),
    ] {
        let matcher = matcher(&rules);
        let request = at(path, []);
        assert_eq!(matcher.matches(&request).next(), first, "{path}");
        assert_eq!(matcher.sure_match(&request), first.and_then(Match::sure), "{path}");
    }
}

#[test]
fn a_path_with_too_many_readings_is_unsure() {
    let path = format!("/public/%{}2e", "25".repeat(100));
    let rules = json!([
        [{"headers": {"x": {}}}],
        [{"uri": {"exact": "/admin"}}],
        [{"uri": {"prefix": "/public"}}],
        [],
    ]);
    let found: Vec<_> = matcher(&rules).matches(&at(path, [])).collect();
    assert_eq!(found, [Match::Unsure(1), Match::Unsure(2), Match::Sure(3)]);
}
