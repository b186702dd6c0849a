//! A trie of path templates.

use std::collections::HashMap;

use super::{PathTemplate, Segment};

/// A map from path templates to values, searched by path.
///
/// The search proceeds segment by segment, so its cost depends on the length of the path and not on
/// the number of templates. It branches only if both a literal and a variable match, and visits no
/// node twice.
///
/// ```
/// use filter_core::PathTrie;
///
/// let mut trie = PathTrie::default();
/// trie.insert(&"/orders/{id}".parse()?, "one");
/// trie.insert(&"/orders/new".parse()?, "new");
/// assert_eq!(trie.best(b"/orders/new"), Some(&"new"));
/// assert_eq!(trie.all(b"/orders/new"), [&"new", &"one"]);
/// # Ok::<(), filter_core::InvalidPathTemplate>(())
/// ```
#[derive(Clone, Debug)]
pub struct PathTrie<T> {
    root: Node<T>,
}

#[derive(Clone, Debug)]
struct Node<T> {
    literals: HashMap<Vec<u8>, Node<T>>,
    one: Option<Box<Node<T>>>,
    /// The literal segments after `**`, from the last to the first.
    rest: Option<Box<Node<T>>>,
    values: Vec<T>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { literals: HashMap::new(), one: None, rest: None, values: Vec::new() }
    }
}

impl<T> Default for PathTrie<T> {
    fn default() -> Self {
        Self { root: Node::default() }
    }
}

/// The values found by a search, and the number of nodes visited.
struct Search<'t, T> {
    found: Vec<&'t T>,
    steps: usize,
}

impl<T> PathTrie<T> {
    /// Adds a value for a template, after its existing values.
    pub fn insert(&mut self, template: &PathTemplate, value: T) {
        let mut node = &mut self.root;
        let mut segments = template.segments.iter();
        for segment in segments.by_ref() {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone().into()).or_default(),
                Segment::One(_) => node.one.get_or_insert_default(),
                Segment::Rest(_) => {
                    node = node.rest.get_or_insert_default();
                    break;
                }
            };
        }
        for segment in segments.rev() {
            node = node.literals.entry(segment.literal().into()).or_default();
        }
        node.values.push(value);
    }

    /// Returns `true` if the trie is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.literals.is_empty() && self.root.one.is_none() && self.root.rest.is_none()
    }

    /// Returns the value of the most specific template that matches.
    ///
    /// At the first segment in which two templates differ, a literal is more specific than `{x}`,
    /// and that than `{x=**}`. Of two `**`, the one with more segments after it is more specific.
    #[must_use]
    pub fn best(&self, path: &[u8]) -> Option<&T> {
        self.all(path).first().copied()
    }

    /// Returns the values of all templates that match, the most specific first.
    #[must_use]
    pub fn all(&self, path: &[u8]) -> Vec<&T> {
        self.search(path).found
    }

    fn search(&self, path: &[u8]) -> Search<'_, T> {
        let mut search = Search { found: Vec::new(), steps: 0 };
        if let Some(path) = path.strip_prefix(b"/").filter(|_| !self.is_empty()) {
            let segments: Vec<_> = path.split(|byte| *byte == b'/').collect();
            self.root.forward(&segments, &mut search);
        }
        search
    }
}

impl<T> Node<T> {
    /// Matches a path from its beginning. The recursion depth is that of the templates, not of the
    /// path.
    fn forward<'t>(&'t self, segments: &[&[u8]], search: &mut Search<'t, T>) {
        search.steps = search.steps.saturating_add(1);
        let Some((first, after)) = segments.split_first() else {
            search.found.extend(&self.values);
            return;
        };
        if let Some(node) = self.literals.get(*first) {
            node.forward(after, search);
        }
        if let Some(node) = self.one.as_ref().filter(|_| !first.is_empty()) {
            node.forward(after, search);
        }
        if let Some(node) = &self.rest {
            node.backward(segments, search);
        }
    }

    /// Matches the segments after `**` from the end, leaving at least one segment to `**`.
    fn backward<'t>(&'t self, segments: &[&[u8]], search: &mut Search<'t, T>) {
        search.steps = search.steps.saturating_add(1);
        let Some((last, before)) = segments.split_last() else { return };
        if let Some(node) = self.literals.get(*last) {
            node.backward(before, search);
        }
        search.found.extend(&self.values);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn trie<'a>(templates: impl IntoIterator<Item = &'a str>) -> PathTrie<String> {
        let mut trie = PathTrie::default();
        for text in templates {
            trie.insert(&text.parse().unwrap(), text.to_owned());
        }
        trie
    }

    #[test]
    fn returns_the_most_specific_template_first() {
        let trie = trie([
            "/{**}",
            "/a/{rest=**}",
            "/a/{**}/c",
            "/a/{x}",
            "/a/{x}/c",
            "/a/b",
            "/{x}/b",
            "/a/{**}/b/c",
            "/",
        ]);
        for (path, found) in [
            ("/a/b", &["/a/b", "/a/{x}", "/a/{rest=**}", "/{x}/b", "/{**}"][..]),
            ("/a/x/c", &["/a/{x}/c", "/a/{**}/c", "/a/{rest=**}", "/{**}"]),
            ("/a/x/b/c", &["/a/{**}/b/c", "/a/{**}/c", "/a/{rest=**}", "/{**}"]),
            ("/a/", &["/a/{rest=**}", "/{**}"]),
            ("/a", &["/{**}"]),
            ("/", &["/", "/{**}"]),
            ("", &[]),
            ("*", &[]),
        ] {
            assert_eq!(trie.all(path.as_bytes()), found, "{path}");
            assert_eq!(trie.best(path.as_bytes()).map(String::as_str), found.first().copied());
        }
    }

    #[test]
    fn steps_grow_with_the_path_and_not_with_the_templates() {
        let steps = |count: usize| {
            let templates: Vec<_> = (0..count)
                .flat_map(|n| [format!("/t{n}/{{id}}"), format!("/t/{{x}}/u{n}/{{rest=**}}/v")])
                .collect();
            let trie = trie(templates.iter().map(String::as_str));
            ["/t0/7", "/t/1/u0/2/3/v", "/none", "/t/1/none/3/4/5/6/7/8/9"]
                .map(|path| trie.search(path.as_bytes()).steps)
        };
        assert_eq!(steps(1), steps(1000));
        assert!(steps(1000).iter().all(|steps| *steps <= 8));
    }

    #[test]
    fn a_long_path_causes_no_deep_recursion() {
        let trie = trie(["/a/{rest=**}", "/{x}/{y}"]);
        let path = format!("/a{}", "/a".repeat(100_000));
        assert_eq!(trie.search(path.as_bytes()).steps, 5);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn finds_the_templates_that_match(
            templates in proptest::collection::vec("(/(a|b|\\{\\*\\}|)){1,3}(/\\{\\*\\*\\}(/(a|b|)){0,2})?", 0..12),
            path in "(/(a|b|c|)){0,6}",
        ) {
            let trie = trie(templates.iter().map(String::as_str));
            let mut found: Vec<_> = trie.all(path.as_bytes()).into_iter().cloned().collect();
            let mut expected: Vec<_> = templates.iter().filter(|text| {
                text.parse::<PathTemplate>().unwrap().captures(path.as_bytes()).is_some()
            }).cloned().collect();
            found.sort();
            expected.sort();
            proptest::prop_assert_eq!(found, expected);
        }
    }
}
