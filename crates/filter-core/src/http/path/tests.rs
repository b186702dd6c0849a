#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn splits_off_query_and_fragment() {
    for (target, path, query) in [
        ("/a", "/a", None),
        ("/a?", "/a", Some("")),
        ("/a?b?c", "/a", Some("b?c")),
        ("/a#f?b", "/a", None),
        ("/a?b#f", "/a", Some("b")),
        ("", "", None),
        ("*", "*", None),
    ] {
        let split = RequestPath::new(target.as_bytes(), PathNormalization::None);
        assert_eq!(split.path(), path.as_bytes(), "{target}");
        assert_eq!(split.query(), query.map(str::as_bytes), "{target}");
    }
}

#[test]
fn normalizes_paths_as_istio_does() {
    use PathNormalization::{Base, DecodeAndMergeSlashes, MergeSlashes, None};
    for (path, none, base, merge, decode) in [
        ("/a/b", "/a/b", "/a/b", "/a/b", "/a/b"),
        ("/a/./b/../c", "/a/./b/../c", "/a/c", "/a/c", "/a/c"),
        ("/a/..", "/a/..", "/", "/", "/"),
        ("/a/.", "/a/.", "/a/", "/a/", "/a/"),
        ("/../..", "/../..", "/", "/", "/"),
        ("/a//b///", "/a//b///", "/a//b///", "/a/b/", "/a/b/"),
        ("/a//../b", "/a//../b", "/a/b", "/a/b", "/a/b"),
        ("/a\\b", "/a\\b", "/a/b", "/a/b", "/a/b"),
        ("/a\\..\\b", "/a\\..\\b", "/b", "/b", "/b"),
        ("/%61%2e%7E", "/%61%2e%7E", "/a.~", "/a.~", "/a.~"),
        ("/a/%2e%2E/b", "/a/%2e%2E/b", "/b", "/b", "/b"),
        ("/a%2fb", "/a%2fb", "/a%2fb", "/a%2fb", "/a/b"),
        ("/a%2F%5c/b", "/a%2F%5c/b", "/a%2F%5c/b", "/a%2F%5c/b", "/a/b"),
        ("/a%2f..%2fb", "/a%2f..%2fb", "/a%2f..%2fb", "/a%2f..%2fb", "/b"),
        ("/%252f", "/%252f", "/%252f", "/%252f", "/%252f"),
        ("/%25%32%66", "/%25%32%66", "/%252f", "/%252f", "/%252f"),
        ("/a%00", "/a%00", "/a%00", "/a%00", "/a%00"),
        ("/é \"", "/é \"", "/%C3%A9%20%22", "/%C3%A9%20%22", "/%C3%A9%20%22"),
        ("/%", "/%", "/%", "/%", "/%"),
        ("/%zz%4", "/%zz%4", "/%zz%4", "/%zz%4", "/%zz%4"),
        ("*", "*", "*", "*", "*"),
        ("", "", "", "", ""),
    ] {
        let wanted =
            [(None, none), (Base, base), (MergeSlashes, merge), (DecodeAndMergeSlashes, decode)];
        for (normalization, expected) in wanted {
            let normalized = RequestPath::new(path.as_bytes(), normalization);
            let shown = String::from_utf8_lossy(normalized.path()).into_owned();
            assert_eq!(shown, expected, "{path} {normalization:?}");
        }
    }
}

#[test]
fn decodes_parameters_once() {
    let target = b"/?a=1&a=2&&b&=c&%61%3D=%2520+%&%ff=\xff";
    let path = RequestPath::new(target, PathNormalization::None);
    let pairs: Vec<_> =
        path.parameters().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    let expected: [(&[u8], &[u8]); 6] = [
        (b"a", b"1"),
        (b"a", b"2"),
        (b"b", b""),
        (b"", b"c"),
        (b"a=", b"%20+%"),
        (b"\xff", b"\xff"),
    ];
    assert_eq!(pairs.len(), expected.len());
    for ((name, value), wanted) in pairs.iter().zip(expected) {
        assert_eq!((name.as_slice(), value.as_slice()), wanted);
    }
    assert_eq!(RequestPath::new(b"/", PathNormalization::None).parameters().count(), 0);
}

#[test]
fn returns_no_result_if_readings_disagree() {
    let length = |path: &[u8]| (path.len() > 2).then_some(path.len() > 3);
    for (path, result) in [
        ("/abc", Some(true)),
        ("/ab", Some(false)),
        ("/a", None),
        ("/a%62c", Some(true)),
        ("/%61b", None),
        ("/a;v=1", None),
    ] {
        let path = RequestPath::new(path.as_bytes(), PathNormalization::None);
        assert_eq!(path.agreed(length), result, "{path:?}");
    }
}

#[test]
fn reads_cookies_of_all_headers() {
    let headers = Headers::from_iter([
        ("cookie", "a=1; b=\"2\";c = 3;d"),
        ("x", "a=9"),
        ("cookie", "a=x=y;;=e; f="),
    ]);
    let pairs: Vec<_> = cookies(&headers)
        .map(|(name, value)| [name, value].map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()))
        .collect();
    assert_eq!(pairs, [["a", "1"], ["b", "2"], ["c", "3"], ["a", "x=y"], ["", "e"], ["f", ""]]);
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn a_decoded_and_normalized_path_has_one_reading(path in "/[a./%2fF5cCeE\\\\]{0,24}") {
        let normalization = PathNormalization::DecodeAndMergeSlashes;
        let normalized = RequestPath::new(path.as_bytes(), normalization);
        // Other escapes than those of slashes remain and can be decoded once more.
        proptest::prop_assume!(!normalized.path().contains(&b'%'));
        proptest::prop_assert_eq!(normalized.other_readings(), Some(Vec::new()));
    }

    #[test]
    fn normalization_is_idempotent(path in "/[a./%2fF5cC\\\\é]{0,24}") {
        use PathNormalization::{Base, MergeSlashes};
        for normalization in [Base, MergeSlashes] {
            let once = RequestPath::new(path.as_bytes(), normalization).path().to_vec();
            let twice = RequestPath::new(&once, normalization).path().to_vec();
            proptest::prop_assert_eq!(once, twice);
        }
    }

    #[test]
    fn a_normalized_path_has_no_dot_segments(path in "/[a./%2eE\\\\]{0,24}") {
        let normalized = RequestPath::new(path.as_bytes(), PathNormalization::Base);
        let mut segments = normalized.path().split(|byte| *byte == b'/');
        proptest::prop_assert!(normalized.path().starts_with(b"/"));
        proptest::prop_assert!(segments.all(|segment| segment != b"." && segment != b".."));
    }

    #[test]
    fn no_bytes_panic(target in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
        let path = RequestPath::new(&target, PathNormalization::DecodeAndMergeSlashes);
        let _ = (path.parameters().count(), path.other_readings());
        let _ = cookies(&Headers::from_iter([("cookie", target.clone())])).count();
    }
}
