#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn addresses(body: &[u8]) -> Result<(usize, Rc<filter_core::IpSet>), String> {
    match parse(ListKind::Addresses, body) {
        Ok(ListContent { set: ListSet::Addresses(set), entries }) => Ok((entries, set)),
        Ok(_) => panic!("texts"),
        Err(invalid) => Err(invalid.text.into_owned()),
    }
}

fn texts(body: &[u8]) -> Result<Vec<String>, String> {
    match parse(ListKind::Texts, body) {
        Ok(ListContent { set: ListSet::Texts(set), .. }) => {
            let texts = set.iter().map(|text| String::from_utf8_lossy(text).into_owned());
            let mut texts: Vec<_> = texts.collect();
            texts.sort_unstable();
            Ok(texts)
        }
        Ok(_) => panic!("addresses"),
        Err(invalid) => Err(invalid.text.into_owned()),
    }
}

#[test]
fn reads_addresses_from_lines_and_from_json() {
    for body in [
        "\u{feff}# blocked\r\n10.0.0.0/8\r\n\r\n  192.0.2.7 # a server\r\n\t2001:db8::/32",
        "\n\n#\n10.1.2.3/8\n192.0.2.7\n192.0.2.7/32\n2001:db8::/32\n",
        "\u{feff} [\"10.0.0.0/8\", \"192.0.2.7\",\r\n\"2001:db8::/32\"]\n",
    ] {
        let (entries, set) = addresses(body.as_bytes()).unwrap();
        assert!((3..=4).contains(&entries), "{body}");
        for (address, expected) in
            [("10.9.9.9", true), ("192.0.2.7", true), ("2001:db8::1", true), ("192.0.2.8", false)]
        {
            assert_eq!(set.contains(address.parse().unwrap()), expected, "{body} {address}");
        }
    }
}

#[test]
fn reads_texts_from_lines_and_from_json() {
    for (body, expected) in [
        (&b"a\r\n b c \n#d\n\ne#f\na\n\xff\n"[..], &["a", "b c", "e#f", "\u{fffd}"][..]),
        (b"[\"a\", \" b\", \"#c\", \"\\u00e9\"]", &[" b", "#c", "a", "\u{e9}"]),
        (b"# none", &[]),
        (b" []", &[]),
    ] {
        assert_eq!(texts(body).unwrap(), expected, "{}", body.escape_ascii());
    }
}

#[test]
fn refuses_a_document_with_an_invalid_entry() {
    let not_a_list = "the answer is HTML, XML or a JSON object instead of a list";
    let not_json = "the answer begins with [ and is not a JSON list of strings";
    let empty = "the answer is empty: a list without entries is a comment (#) or a JSON list";
    let line =
        |number| format!("the answer is not a list: line {number} is not an address or a range");
    for (body, expected) in [
        ("", empty.to_owned()),
        ("\u{feff} \r\n", empty.to_owned()),
        ("<html>", not_a_list.to_owned()),
        ("{\"ips\": []}", not_a_list.to_owned()),
        ("[\"10.0.0.0/8\"", not_json.to_owned()),
        ("[\"10.0.0.0/8\"] x", not_json.to_owned()),
        ("[[\"10.0.0.0/8\"]]", not_json.to_owned()),
        ("[1]", not_json.to_owned()),
        ("[null]", not_json.to_owned()),
        ("\n# a\n10.0.0.0/8\nhidden\n", line(4)),
        ("10.0.0.0/33", line(1)),
        ("10.0.0.0/8 10.1.0.0/8", line(1)),
        ("10.0.0.0/8\0", line(1)),
        (
            "[\"10.0.0.0/8\", \"hidden\"]",
            "the answer is not a list: entry 2 is not an address or a range".to_owned(),
        ),
    ] {
        assert_eq!(addresses(body.as_bytes()).unwrap_err(), expected, "{body}");
    }
    for (body, unit) in [("a\nb\x01\n", "line 2"), ("[\"a\", \"\"]", "entry 2")] {
        let expected =
            format!("the answer is not a list: {unit} is not a text without control characters");
        assert_eq!(texts(body.as_bytes()).unwrap_err(), expected);
    }
}

#[test]
fn each_invalid_line_has_its_own_code() {
    let code = |body: &str| parse(ListKind::Addresses, body.as_bytes()).unwrap_err().code;
    assert_eq!((code("x"), code("::\nx"), code("")), (100_001, 100_002, 4));
}

#[test]
fn reads_at_most_100_000_entries() {
    let lines = |count: u32| -> String {
        (0..count).map(|number| format!("{}\n", std::net::Ipv4Addr::from(number * 2))).collect()
    };
    let (entries, set) = addresses(lines(100_000).as_bytes()).unwrap();
    assert_eq!((entries, set.len()), (100_000, 100_000));
    let too_many = "the answer has more than 100000 entries";
    assert_eq!(addresses(lines(100_001).as_bytes()).unwrap_err(), too_many);
    // Entries of a single byte, which are many in a small document.
    let json = format!("[{}\"a\"]", "\"a\",".repeat(1_000_000));
    assert_eq!(texts(json.as_bytes()).unwrap_err(), too_many);
    assert_eq!(texts("a\n".repeat(1_000_000).as_bytes()).unwrap_err(), too_many);
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn any_document_is_a_list_or_refused_without_its_text(body: Vec<u8>, prefix in "(\\[\"|#|::\n)?") {
        let body = [prefix.as_bytes(), &body].concat();
        for kind in [ListKind::Addresses, ListKind::Texts] {
            if let Err(invalid) = parse(kind, &body) {
                proptest::prop_assert!(invalid.text.len() <= 128 && invalid.text.is_ascii());
            }
        }
    }
}
