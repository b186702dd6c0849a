#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn read(lines: &[&str]) -> Result<Option<String>, InvalidTraceState> {
    let headers = lines.iter().map(|line| ("tracestate", *line)).collect();
    Ok(TraceState::from_headers(&headers)?.map(|state| state.as_str().to_owned()))
}

#[test]
fn keeps_the_valid_lists_of_the_w3c_test_suite() {
    let long_key = format!("{}=1", "z".repeat(256));
    let long_tenant = format!("{}@{}=1", "t".repeat(241), "v".repeat(14));
    for (lines, joined) in [
        (vec!["foo=1"], "foo=1"),
        (vec!["foo=1,bar=2"], "foo=1,bar=2"),
        (vec!["foo=1", "bar=2"], "foo=1,bar=2"),
        (vec!["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3"),
        (vec!["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
        (vec!["foo=1\t ", "bar=2"], "foo=1,bar=2"),
        (vec!["foo=1,", ",bar=3"], "foo=1,bar=3"),
        (vec!["", "foo=1"], "foo=1"),
        (vec!["foo=1", ""], "foo=1"),
        (vec!["foo=1,foo=2"], "foo=1,foo=2"),
        (vec!["foo@bar=1", "foo=1,a-_*/=2"], "foo@bar=1,foo=1,a-_*/=2"),
        (vec!["0tenant@system=x"], "0tenant@system=x"),
        (vec!["1foo=1"], "1foo=1"),
        (vec!["foo= x y"], "foo= x y"),
        (vec![long_key.as_str()], long_key.as_str()),
        (vec![long_tenant.as_str()], long_tenant.as_str()),
    ] {
        assert_eq!(read(&lines), Ok(Some(joined.to_owned())), "{lines:?}");
    }
    for lines in [&[][..], &[""], &[" , ,"]] {
        assert_eq!(read(lines), Ok(None));
    }
}

#[test]
fn one_malformed_member_invalidates_the_list() {
    let keys = ["foo ", "FOO", "foo.bar", "foo@", "@foo", "foo@@bar", "foo@bar@baz", "", "_foo"];
    let long = [format!("{}=1", "z".repeat(257)), format!("{}@v=1", "t".repeat(242))];
    let system = format!("t@{}=1", "v".repeat(15));
    for member in keys.iter().map(|key| format!("{key}=1")).chain(long).chain([system]) {
        assert_eq!(read(&[&format!("{member},bar=2")]), Err(InvalidTraceState), "{member}");
    }
    let long = format!("foo={}", "v".repeat(257));
    for member in ["foo", "foo=", "foo=bar=baz", "foo=\u{7f}", "foo=\u{e9}", "foo=a\tb", &long] {
        assert_eq!(read(&["bar=2", member]), Err(InvalidTraceState), "{member}");
    }
}

#[test]
fn keeps_the_first_32_members() {
    let members = |count: usize| {
        (0..count).map(|index| format!("bar{index:02}={index:02}")).collect::<Vec<_>>().join(",")
    };
    assert_eq!(read(&[&members(32)]), Ok(Some(members(32))));
    assert_eq!(read(&[&members(33)]), Ok(Some(members(32))));
    assert_eq!(read(&[&members(32), "bad"]), Err(InvalidTraceState));
}

#[test]
fn drops_long_members_first_then_from_the_right() {
    let long = format!("long={}", "v".repeat(124));
    assert_eq!(read(&[&long]), Ok(Some(long.clone())), "within 512 bytes");
    let members: Vec<String> = (0..7).map(|key| format!("k{key}={}", "v".repeat(97))).collect();
    let line = format!("{},{long},{}", members[..2].join(","), members[2..].join(","));
    let kept = read(&[&line]).unwrap().unwrap();
    assert_eq!(kept, members[..5].join(","));
    assert!(kept.len() <= 512);
}

#[test]
fn never_panics() {
    for byte in 0..=255_u8 {
        for text in [vec![byte; 600], vec![b'a', b'=', byte], vec![byte, b'=', b'1', b',', byte]] {
            let _ = TraceState::from_headers(&Headers::from_iter([("tracestate", text)]));
        }
    }
}
