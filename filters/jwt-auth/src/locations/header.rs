//! Tokens in headers, whose values may be lists.

use filter_core::Headers;

use super::{Found, behind_word, one_of};

/// The list of protocols that a browser offers, to which scripts can add a token; the server
/// chooses from the rest of the list.
const PROTOCOLS: &str = "sec-websocket-protocol";

/// Looks for tokens after a prefix, which may contain commas; all values of the header form one
/// list, because a proxy may have joined them.
pub(super) fn find<'a>(headers: &'a Headers, name: &str, prefix: &str) -> Found<'a> {
    let pieces: Vec<&[u8]> = pieces(headers, name).collect();
    let mut tokens = Vec::new();
    let mut others = Vec::new();
    let mut rest = pieces.as_slice();
    while let Some((first, behind)) = rest.split_first() {
        if let Some((token, behind)) = strip(rest, prefix) {
            tokens.push(token);
            rest = behind;
        } else {
            others.push(*first);
            rest = behind;
        }
    }
    if prefix.trim().is_empty() && tokens.iter().any(|token| has_three_parts(token)) {
        let (shaped, unshaped) = tokens.into_iter().partition(|token| has_three_parts(token));
        tokens = shaped;
        others = unshaped;
    }
    one_of(tokens, &others)
}

/// Returns a list of protocols without the tokens after these prefixes; `None` if nothing is left,
/// or if the header is removed as a whole.
pub(crate) fn without_tokens(headers: &Headers, name: &str, prefixes: &[&str]) -> Option<Vec<u8>> {
    if name != PROTOCOLS {
        return None;
    }
    let pieces: Vec<&[u8]> = pieces(headers, name).collect();
    let mut kept = Vec::new();
    let mut rest = pieces.as_slice();
    while let Some((first, behind)) = rest.split_first() {
        let found = prefixes.iter().find_map(|prefix| {
            let (token, behind) = strip(rest, prefix)?;
            (!prefix.trim().is_empty() || has_three_parts(token)).then_some(behind)
        });
        rest = found.unwrap_or(behind);
        if found.is_none() && !first.is_empty() {
            kept.push(*first);
        }
    }
    (!kept.is_empty()).then(|| kept.join(&b", "[..]))
}

fn pieces<'a>(headers: &'a Headers, name: &str) -> impl Iterator<Item = &'a [u8]> {
    super::values_of(headers, name)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

/// Strips a prefix from the front of a list; returns the token after it, and the rest of the list.
fn strip<'p, 'a>(pieces: &'p [&'a [u8]], prefix: &str) -> Option<(&'a [u8], &'p [&'a [u8]])> {
    let mut rest = pieces;
    let mut words = prefix.split(',').peekable();
    loop {
        let word = words.next()?;
        let (first, behind) = rest.split_first()?;
        rest = behind;
        if words.peek().is_none() {
            return Some((behind_word(first, word.trim_start())?, rest));
        }
        if !first.eq_ignore_ascii_case(word.trim().as_bytes()) {
            return None;
        }
    }
}

fn has_three_parts(token: &[u8]) -> bool {
    let parts = token.split(|byte| *byte == b'.');
    let filled = |part: &[u8]| !part.is_empty() && !part.contains(&b' ') && !part.contains(&b'\t');
    parts.clone().all(filled) && parts.count() == 3
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const GOOD: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";

    /// Checks the result for the values of a header, where `@` is a token.
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
    fn without_a_prefix_three_parts_are_a_token() {
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
    fn a_prefix_may_hold_commas() {
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
