//! What of a request's headers a span tells.

use filter_core::Headers;

/// Headers of a request that is reported, kept until its span is made.
///
/// Kept early, because later filters may change them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Captured {
    /// The method.
    pub method: Vec<u8>,
    /// The path without its query.
    pub path: Vec<u8>,
    /// The scheme.
    pub scheme: Vec<u8>,
    /// The authority.
    pub authority: Vec<u8>,
    /// The user agent.
    pub user_agent: Vec<u8>,
    /// Values of the headers that tags name, by the place of the tag.
    pub tags: Vec<Option<Vec<u8>>>,
}

impl Captured {
    /// The headers that it keeps, beside those of tags.
    pub(super) const HEADERS: [&str; 5] =
        [":method", ":path", ":scheme", ":authority", "user-agent"];

    /// Takes what a span tells, and the headers that `tags` name.
    #[must_use]
    pub fn of<'a>(headers: &Headers, tags: impl Iterator<Item = Option<&'a str>>) -> Self {
        let value = |name| headers.first(name).unwrap_or_default().to_vec();
        let mut path = value(":path");
        let end = path.iter().position(|byte| matches!(byte, b'?' | b'#'));
        path.truncate(end.unwrap_or(path.len()));
        let of_tag = |name: Option<&str>| headers.first(name?).map(<[u8]>::to_vec);
        Self {
            method: value(":method"),
            path,
            scheme: value(":scheme"),
            authority: value(":authority"),
            user_agent: value("user-agent"),
            tags: tags.map(of_tag).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn no_query_is_kept() {
        for (path, kept) in
            [("/a?token=x", "/a"), ("/a#x", "/a"), ("/a", "/a"), ("?x", ""), ("*", "*")]
        {
            let headers = Headers::from_iter([(":path", path)]);
            assert_eq!(Captured::of(&headers, std::iter::empty()).path, kept.as_bytes());
        }
    }

    #[test]
    fn headers_of_tags_stand_at_the_place_of_the_tag() {
        let headers = Headers::from_iter([("x-user", "alice"), ("cookie", "secret")]);
        let names = [None, Some("x-user"), Some("x-none")];
        let captured = Captured::of(&headers, names.into_iter());
        assert_eq!(captured.tags, [None, Some(b"alice".to_vec()), None]);
        assert!(!format!("{captured:?}").contains("secret"));
    }
}
