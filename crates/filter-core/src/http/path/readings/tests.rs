#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Returns `true` if a server may read `path` as `wanted`.
fn may_be(path: &[u8], wanted: &[u8]) -> bool {
    path_readings(path).unwrap().iter().any(|read| read == wanted)
}

#[test]
fn finds_the_path_behind_every_spelling() {
    for path in [
        &b"/public/../admin"[..],
        b"/public/%2e%2e/admin",
        b"/public/%2E./admin",
        b"/public/%252e%252e/admin",
        b"/public/%25252e%25252e/admin",
        b"/public/..;/admin",
        b"/public/..;x=1/admin",
        b"/public/%2e%2e;/admin",
        b"/public/..%3b/admin",
        b"/public/..%3Bx/admin",
        b"/public/.;x/../admin",
        b"/public\\..\\admin",
        b"/public%5c..%5cadmin",
        b"/public/..%5cadmin",
        b"/public%2f..%2fadmin",
        b"/public/..%2fadmin",
        b"/public/..%252fadmin",
        b"/public/..//admin",
        b"/public//..//..//admin",
        b"/public/.%20/../admin",
        b"/public/..%09/admin",
        b"/public/..\x20/admin",
        b"/public/\xc0\xae\xc0\xae/admin",
        b"/public/%c0%ae%c0%ae/admin",
        b"/public/..%c0%afadmin",
        b"/public/..%e0%80%afadmin",
        b"/public/..%f0%80%80%afadmin",
        b"//admin",
        b"/;/admin",
        b"/.//admin",
        b"/%61dmin",
        b"/%61%64%6d%69%6e",
        b"/admin;x=1",
        b"/admin;/public",
        b"/admin%20",
        b"/admin%09",
        b"/admin%00",
        b"/admin%00.png",
        b"/admin%3fx",
        b"/admin%23x",
        b"/admin/.",
        b"admin",
        b"http://h/admin",
        b"h2://u@h:1/admin",
        b"/%u0061dmin",
        b"/public/%u002e%U002E/admin",
        b"/public%u002f..%u002Fadmin",
        b"/public/%25u002e./admin",
        b"//x/admin",
        b"///x/admin",
        b"/\\x/admin",
        b"/public%2fx/%2e%2e/admin",
        b"/x%2fy/%2e%2e/admin",
        b"/x%2fy/.%2e%3b/admin",
        b"/x%252fy/%252e%252e/admin",
        b"/x%2fy/%252e%252e/admin",
    ] {
        let shown = path.escape_ascii();
        assert!(may_be(path, b"/admin") || may_be(path, b"/admin/"), "{shown}");
    }
}

#[test]
fn decodes_segments_without_slashes() {
    for (path, segments) in [
        (&b"/%66iles/a%2fb"[..], &b"/files/a%2fb"[..]),
        (b"/%66iles/a%2Fb%20c", b"/files/a%2Fb c"),
        (b"/%2566iles/a%2fb", b"/files/a%2fb"),
    ] {
        assert!(may_be(path, segments), "{}", path.escape_ascii());
    }
}

#[test]
fn an_ordinary_path_has_one_reading() {
    for path in [
        &b"/"[..],
        b"/a/b.c/d-e_f~g",
        b"/a/...",
        b"/a.b/..c",
        b"/orders/7:cancel,x=1&y=(2)!$'*+@",
        "/caf\u{e9}/\u{65e5}\u{672c}".as_bytes(),
        b"/a/\xff\xfe",
        b"/a/",
        b"*",
        b"/.well-known/x",
        b"/%",
        b"/%zz",
        b"/%u",
        b"/%u00",
        b"/%ud800",
    ] {
        assert_eq!(path_readings(path), Some(Vec::new()), "{}", path.escape_ascii());
    }
}

#[test]
fn harmless_escapes_have_few_readings() {
    for (path, readings) in [
        ("/a%2Fb", &["/a/b"][..]),
        ("/a%20b", &["/a b"]),
        ("/caf%C3%A9", &["/caf\u{e9}"]),
        ("/a;v=1/b", &["/a", "/a/b"]),
        ("/a//b", &["/a/b"]),
        ("//a/b", &["/a/b", "/b"]),
        ("//", &["/"]),
        ("/a%2Fb%20c", &["/a%2Fb c", "/a/b c"]),
    ] {
        let mut found = path_readings(path.as_bytes()).unwrap();
        found.sort_unstable();
        let found: Vec<_> = found.iter().map(|read| str::from_utf8(read).unwrap()).collect();
        assert_eq!(found, readings, "{path}");
    }
}

#[test]
fn gives_up_on_too_many_readings() {
    let deep = format!("/%{}2e", "25".repeat(100));
    assert!(path_readings(deep.as_bytes()).is_none());
    let long = format!("/{}", "%2520/".repeat(10_000));
    assert!(path_readings(long.as_bytes()).is_none());
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn readings_are_closed_under_all_steps(path in "/([a.;/\\\\ ?]|%2[eEfF]|%5c|%25|%3b|%u002e){0,8}") {
        if let Some(readings) = path_readings(path.as_bytes()) {
            for read in &readings {
                for further in path_readings(read).unwrap_or_default() {
                    let known = *further == *path.as_bytes() || readings.contains(&further);
                    proptest::prop_assert!(known, "{}", further.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn no_bytes_panic(path in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
        let _ = path_readings(&path);
    }
}
