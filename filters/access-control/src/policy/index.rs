//! An index of rules, so that the time of a decision depends on the request and not on their number.

use std::collections::{BTreeSet, HashMap};

use filter_core::{PathNormalization, PathTrie, Request, RequestPath, host};

use super::{
    pattern::Pattern,
    rule::{Rule, Test, TextTest, Values},
    subject::Subject,
};

/// The rules of an action, by number.
///
/// Each rule is in one place: under the values of one part of the request, without which it cannot
/// match. Rules without such a part are candidates for every request.
#[derive(Debug, Default)]
pub(super) struct Index {
    paths: TextIndex,
    templates: PathTrie<usize>,
    principals: TextIndex,
    hosts: TextIndex,
    methods: TextIndex,
    always: Vec<usize>,
}

/// Rules by the beginning of a text, or by the whole text.
#[derive(Debug, Default)]
struct TextIndex {
    exact: HashMap<Vec<u8>, Vec<usize>>,
    prefixes: HashMap<Vec<u8>, Vec<usize>>,
    /// The lengths of the prefixes.
    lengths: BTreeSet<usize>,
}

/// The parts of a request that the index uses, the most selective first.
const PARTS: [Subject; 4] = [Subject::Path, Subject::Principal, Subject::Host, Subject::Method];

impl Index {
    /// Adds the rule with the next number.
    pub(super) fn insert(&mut self, number: usize, rule: &Rule) {
        let places = PARTS.iter().find_map(|subject| Some((subject, places(rule, subject)?)));
        let Some((subject, tests)) = places else {
            self.always.push(number);
            return;
        };
        for test in tests {
            match (test, subject) {
                (TextTest::Template(template), _) => self.templates.insert(template, number),
                (TextTest::Pattern(pattern) | TextTest::Spiffe(pattern), subject) => {
                    if let Some(texts) = self.texts_mut(subject) {
                        texts.insert(pattern, number);
                    }
                }
                (TextTest::RequestPrincipal(_) | TextTest::Match(_) | TextTest::Element(_), _) => {}
            }
        }
    }

    /// Returns the numbers of the rules that may match, in order; `None` if all of them may.
    pub(super) fn candidates(
        &self,
        request: &Request,
        normalization: PathNormalization,
    ) -> Option<Vec<usize>> {
        let mut found = self.always.clone();
        if !self.paths.is_empty() || !self.templates.is_empty() {
            let target = request.headers.first(":path").unwrap_or_default();
            let path = RequestPath::new(target, normalization);
            let others = path.other_readings()?;
            for path in std::iter::once(path.path()).chain(others.iter().map(Vec::as_slice)) {
                self.paths.find(path, &mut found);
                found.extend(self.templates.all(path).into_iter().copied());
            }
        }
        if let Some(principal) = &request.source_principal {
            let identity = principal.strip_prefix(b"spiffe://").unwrap_or(principal);
            self.principals.find(identity, &mut found);
        }
        if let Some(authority) =
            request.headers.first(":authority").filter(|_| !self.hosts.is_empty())
        {
            self.hosts.find(&authority.to_ascii_lowercase(), &mut found);
            self.hosts.find(&host(authority), &mut found);
        }
        if let Some(method) = request.headers.first(":method") {
            self.methods.find(method, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        Some(found)
    }

    const fn texts_mut(&mut self, subject: &Subject) -> Option<&mut TextIndex> {
        match subject {
            Subject::Path => Some(&mut self.paths),
            Subject::Principal => Some(&mut self.principals),
            Subject::Host => Some(&mut self.hosts),
            Subject::Method => Some(&mut self.methods),
            _ => None,
        }
    }
}

impl TextIndex {
    fn insert(&mut self, pattern: &Pattern, number: usize) {
        let (map, text) = match pattern {
            Pattern::Exact(text) => (&mut self.exact, text),
            Pattern::Prefix(text) => {
                self.lengths.insert(text.len());
                (&mut self.prefixes, text)
            }
            Pattern::Any | Pattern::Present | Pattern::Suffix(_) => return,
        };
        map.entry(text.clone()).or_default().push(number);
    }

    fn find(&self, text: &[u8], found: &mut Vec<usize>) {
        found.extend(self.exact.get(text).into_iter().flatten());
        for length in self.lengths.iter().take_while(|length| **length <= text.len()) {
            let prefix = text.get(..*length).unwrap_or_default();
            found.extend(self.prefixes.get(prefix).into_iter().flatten());
        }
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }
}

/// Returns tests of a part of the request of which one must match for the rule to match; `None` if
/// there are no such tests.
fn places<'r>(rule: &'r Rule, subject: &Subject) -> Option<Vec<&'r TextTest>> {
    [rule.to.as_slice(), rule.from.as_slice()].into_iter().find_map(|alternatives| {
        let tests: Option<Vec<_>> =
            alternatives.iter().map(|tests| tests_of(tests, subject)).collect();
        let tests: Vec<_> = tests?.into_iter().flatten().collect();
        (!tests.is_empty()).then_some(tests)
    })
}

/// Returns the values of the part in a list of tests that must all hold.
fn tests_of<'r>(tests: &'r [Test], subject: &Subject) -> Option<&'r [TextTest]> {
    tests.iter().find_map(|test| match &test.values {
        Values::Texts(found, values) if found == subject && !test.is_negated => {
            values.iter().all(is_indexable).then_some(values.as_slice())
        }
        _ => None,
    })
}

const fn is_indexable(test: &TextTest) -> bool {
    match test {
        TextTest::Pattern(pattern) | TextTest::Spiffe(pattern) => {
            matches!(pattern, Pattern::Exact(_) | Pattern::Prefix(_))
        }
        TextTest::Template(_) => true,
        TextTest::RequestPrincipal(_) | TextTest::Match(_) | TextTest::Element(_) => false,
    }
}
