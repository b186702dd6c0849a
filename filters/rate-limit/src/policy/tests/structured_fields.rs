//! A strict parser of lists of structured fields (RFC 9651), as far as the headers need it.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A bare item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Item {
    Integer(i64),
    String(String),
}

/// An item with its parameters.
pub(super) type Member = (Item, Vec<(String, Item)>);

/// Parses a list; `None` unless all of the text is one.
pub(super) fn list(text: &str) -> Option<Vec<Member>> {
    let mut rest = text;
    let mut members = Vec::new();
    loop {
        members.push(member(&mut rest)?);
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return Some(members);
        }
        rest = rest.strip_prefix(',')?.trim_start_matches([' ', '\t']);
    }
}

fn member(rest: &mut &str) -> Option<Member> {
    let item = item(rest)?;
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start_matches(' ');
        let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c);
        let end = after.find(|c| !is_key(c)).unwrap_or(after.len());
        let (key, value) = after.split_at(end);
        if !key.starts_with(|c: char| c.is_ascii_lowercase() || c == '*') {
            return None;
        }
        *rest = value.strip_prefix('=')?;
        parameters.push((key.to_owned(), self::item(rest)?));
    }
    Some((item, parameters))
}

fn item(rest: &mut &str) -> Option<Item> {
    if let Some(text) = rest.strip_prefix('"') {
        let end = text.find('"')?;
        let (content, after) = text.split_at(end);
        *rest = after.strip_prefix('"')?;
        let is_plain = |b: u8| matches!(b, b' '..=b'~') && b != b'\\';
        return content.bytes().all(is_plain).then(|| Item::String(content.to_owned()));
    }
    let digits = rest.strip_prefix('-').unwrap_or(rest);
    let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let end = rest.len() - digits.len() + length;
    let (number, after) = rest.split_at(end);
    *rest = after;
    // At most 15 digits.
    (1..=15).contains(&length).then(|| number.parse().ok().map(Item::Integer)).flatten()
}

#[test]
fn parses_lists_and_nothing_else() {
    let string = |text: &str| Item::String(text.to_owned());
    let parameters = vec![("q".to_owned(), Item::Integer(6)), ("qu".to_owned(), string("x"))];
    assert_eq!(
        list(r#""a";q=6;qu="x", "b""#),
        Some(vec![(string("a"), parameters), (string("b"), vec![])])
    );
    for invalid in
        ["", "\"a", "\"a\",", "\"a\";Q=1", "\"a\";q=", "a", "1.5", "9999999999999999", "\"é\""]
    {
        assert_eq!(list(invalid), None, "{invalid}");
    }
}
