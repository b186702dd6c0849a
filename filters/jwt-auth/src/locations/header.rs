//! Tokens in headers whose values may be lists.

use filter_core::Headers;

use super::{Found, after_prefix, one_of};

/// The header with the protocols that a browser offers. Scripts can add a token to the list; the
/// server selects one of the other protocols.
const PROTOCOLS: &str = "sec-websocket-protocol";

/// Looks for tokens after a prefix, which may contain commas. All values of the header form one
/// list, because proxies may join them.
pub(super) fn find<'a>(headers: &'a Headers, name: &str, prefix: &str) -> Found<'a> {
    let items: Vec<&[u8]> = items(headers, name).collect();
    let mut tokens = Vec::new();
    let mut others = Vec::new();
    let mut rest = items.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        if let Some((token, after)) = strip(rest, prefix) {
            tokens.push(token);
            rest = after;
        } else {
            others.push(*first);
            rest = tail;
        }
    }
    if prefix.trim().is_empty() && tokens.iter().any(|token| has_three_parts(token)) {
        let (with_parts, without_parts) =
            tokens.into_iter().partition(|token| has_three_parts(token));
        tokens = with_parts;
        others = without_parts;
    }
    one_of(tokens, &others)
}

/// Returns the list of protocols without the tokens after these prefixes; `None` if nothing is
/// left, and for other headers, which are removed entirely.
pub(crate) fn without_tokens(headers: &Headers, name: &str, prefixes: &[&str]) -> Option<Vec<u8>> {
    if name != PROTOCOLS {
        return None;
    }
    let items: Vec<&[u8]> = items(headers, name).collect();
    let mut kept = Vec::new();
    let mut rest = items.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        let found = prefixes.iter().find_map(|prefix| {
            let (token, after) = strip(rest, prefix)?;
            (!prefix.trim().is_empty() || has_three_parts(token)).then_some(after)
        });
        rest = found.unwrap_or(tail);
        if found.is_none() && !first.is_empty() {
            kept.push(*first);
        }
    }
    (!kept.is_empty()).then(|| kept.join(&b", "[..]))
}

fn items<'a>(headers: &'a Headers, name: &str) -> impl Iterator<Item = &'a [u8]> {
    super::values_of(headers, name)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

/// Returns the token after a prefix at the start of a list, and the rest of the list.
fn strip<'p, 'a>(items: &'p [&'a [u8]], prefix: &str) -> Option<(&'a [u8], &'p [&'a [u8]])> {
    let mut rest = items;
    let mut words = prefix.split(',').peekable();
    loop {
        let word = words.next()?;
        let (first, tail) = rest.split_first()?;
        rest = tail;
        if words.peek().is_none() {
            return Some((after_prefix(first, word.trim_start())?, rest));
        }
        if !first.eq_ignore_ascii_case(word.trim().as_bytes()) {
            return None;
        }
    }
}

fn has_three_parts(token: &[u8]) -> bool {
    let parts = token.split(|byte| *byte == b'.');
    let is_valid =
        |part: &[u8]| !part.is_empty() && !part.contains(&b' ') && !part.contains(&b'\t');
    parts.clone().all(is_valid) && parts.count() == 3
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const GOOD: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";

    /// Checks the result for the values of a header; `@` is replaced by a token.
    fn check(prefix: &str, values: &[&str], expected: &str) {
        let values: Vec<String> = values.iter().map(|value| value.replace('@', GOOD)).collect();
        let headers = Headers::from_iter(values.iter().map(|value| ("x", value.clone())));
        let found = match find(&headers, "x", prefix) {
            Found::Nothing => "nothing".to_owned(),
            Found::Several => "several".to_owned(),
            Found::One(token) => String::from_utf8(token.into_owned()).unwrap(),
        };
        assert_eq!(found, expected.replace('@', GOOD), "{prefix:?} {values:?}");
    }

    #[test]
    fn ignores_items_without_the_prefix() {
        for (values, found) in [
            (&["Bearer @"][..], "@"),
            (&["bearer \t @ "], "@"),
            (&["BEARER\t@"], "@"),
            (&["Basic x, Bearer @"], "@"),
            (&["Bearer @, Basic x"], "@"),
            (&["Bearer @", "Basic x"], "@"),
            (&["Basic x", "Bearer @"], "@"),
            (&["Digest a=b, c=\"d.e.f\", Bearer @"], "@"),
            (&["Bearer @,"], "@"),
            (&[",Bearer @, ,"], "@"),
            (&["", "Bearer @"], "@"),
            (&["Bearer @", "Bearer @"], "@"),
            (&["Bearer @, bearer @"], "@"),
            (&["Bearer", "Bearer @"], "@"),
            (&["Bearer x"], "x"),
            (&["Basic eDp5"], "nothing"),
            (&["Bearer"], "nothing"),
            (&["Bearer@"], "nothing"),
            (&["x Bearer @"], "nothing"),
            (&[""], "nothing"),
            (&[], "nothing"),
        ] {
            check("Bearer ", values, found);
        }
    }

    #[test]
    fn refuses_a_second_token_in_any_form() {
        for values in [
            &["Bearer @, Bearer a.b.c"][..],
            &["Bearer @", "Bearer a.b.c"],
            &["Bearer @, Bearer opaque"],
            &["Bearer @, Bearer\ta.b.c"],
            &["Bearer @, @"],
            &["Bearer @", "Token @"],
            &["Bearer @, Basic Bearer @x"],
            &["Bearer @, x=\"@\""],
            &["Bearer @, eyJhbGciOiJkaXIifQ..iv.text.tag"],
            &["Bearer @, eyAiYWxnIjoibm9uZSJ9.e30."],
        ] {
            check("Bearer ", values, "several");
        }
    }

    #[test]
    fn without_a_prefix_an_item_with_three_parts_is_a_token() {
        for (values, found) in [
            (&["@"][..], "@"),
            (&["graphql-ws, @"], "@"),
            (&["@, graphql-ws"], "@"),
            (&["graphql-ws", "@", ""], "@"),
            (&["@,@"], "@"),
            (&["graphql-ws"], "graphql-ws"),
            (&["a.b.c"], "a.b.c"),
            (&["a.b.c, @"], "several"),
            (&["@, eyJhbGciOiJkaXIifQ.a.b.c.d"], "several"),
            (&["a, b"], "several"),
            (&[" ,"], "nothing"),
        ] {
            check("", values, found);
        }
    }

    #[test]
    fn a_prefix_may_contain_commas() {
        for (values, found) in [
            (&["access_token, @"][..], "@"),
            (&["access_token,@"], "@"),
            (&["Access_Token", "@"], "@"),
            (&["graphql-ws, access_token, @, chat"], "@"),
            (&["access_token, access_token, @"], "several"),
            (&["@, access_token"], "nothing"),
            (&["@"], "nothing"),
            (&["access_token"], "nothing"),
            (&["access_token, "], "nothing"),
            (&["access_token, @, @x"], "several"),
        ] {
            check("access_token, ", values, found);
        }
        check("v1, Bearer ", &["v1, Bearer @"], "@");
        check("v1, Bearer ", &["v2, Bearer @"], "nothing");
    }

    #[test]
    fn keeps_the_other_protocols_of_a_web_socket() {
        for (prefix, value, rest) in [
            ("", "graphql-ws, @", Some("graphql-ws")),
            ("", "@", None),
            ("access_token, ", "a, access_token, @,, b", Some("a, b")),
            ("jwt.", "jwt.@, chat", Some("chat")),
        ] {
            let value = value.replace('@', GOOD);
            let headers = Headers::from_iter([(PROTOCOLS, value), ("x", "a, b".to_owned())]);
            let found = without_tokens(&headers, PROTOCOLS, &[prefix]);
            assert_eq!(found.as_deref(), rest.map(str::as_bytes), "{prefix}");
            assert_eq!(without_tokens(&headers, "x", &[prefix]), None);
        }
    }
}
