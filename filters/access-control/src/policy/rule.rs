//! The tests of a rule.

use std::{borrow::Cow, rc::Rc, time::SystemTime};

use filter_core::{
    Answer, IpSet, Match, Matcher, Needs, PathNormalization, PathTemplate, Request, Schedule,
    StringMatch,
};

use super::{
    list::{List, TextSet},
    pattern::{Pattern, RequestPrincipal},
    subject::{self, AddressSubject, Subject},
};

/// A compiled rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    /// Sources, of which one must match; empty for every source.
    pub(super) from: Vec<Vec<Test>>,
    /// Operations, of which one must match; empty for every operation.
    pub(super) to: Vec<Vec<Test>>,
    /// Conditions, which all must match.
    pub(super) when: Vec<Test>,
    pub(super) matcher: Option<Matcher>,
    pub(super) schedule: Schedule,
}

/// A list of values of which one must match, or none if it is negated.
#[derive(Debug)]
pub(super) struct Test {
    /// The field of the document, or the key of a condition.
    pub(super) field: Cow<'static, str>,
    pub(super) values: Values,
    pub(super) is_negated: bool,
}

/// The values of a test.
#[derive(Debug)]
pub(super) enum Values {
    Texts(Subject, Vec<TextTest>),
    Addresses(AddressSubject, IpSet),
    TextLists(Subject, Vec<Rc<List<TextSet>>>),
    AddressLists(AddressSubject, Vec<Rc<List<IpSet>>>),
}

/// A test of a text.
#[derive(Debug)]
pub(super) enum TextTest {
    Pattern(Pattern),
    /// A pattern for an identity without its scheme `spiffe://`.
    Spiffe(Pattern),
    RequestPrincipal(RequestPrincipal),
    Template(PathTemplate),
    Match(StringMatch),
    /// A pattern for the elements of a list in dynamic metadata: `[abc]`.
    Element(Pattern),
}

/// Inputs of a decision besides the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) normalization: PathNormalization,
    pub(super) now: SystemTime,
}

impl Rule {
    pub(super) fn add_needs(&self, needs: &mut Needs) {
        let tests = self.from.iter().chain(&self.to).flatten().chain(&self.when);
        tests.for_each(|test| test.values.add_needs(needs));
        self.matcher.iter().for_each(|matcher| needs.merge(matcher.needs()));
    }

    pub(super) fn answer(&self, request: &Request, context: Context) -> Answer {
        if !self.schedule.is_active(context.now) {
            return Answer::No;
        }
        let all = |tests: &[Test]| {
            let answers = tests.iter().map(|test| test.answer(request, context));
            all(answers)
        };
        let any = |lists: &[Vec<Test>]| match lists {
            [] => Answer::Yes,
            lists => !self::all(lists.iter().map(|tests| !all(tests))),
        };
        // The cheapest tests first.
        let answer = any(&self.to);
        if answer == Answer::No {
            return answer;
        }
        let answer = answer.and(any(&self.from));
        if answer == Answer::No {
            return answer;
        }
        answer.and(all(&self.when)).and(self.matched(request))
    }

    pub(super) fn matched(&self, request: &Request) -> Answer {
        let Some(matcher) = &self.matcher else { return Answer::Yes };
        match matcher.matches(request).next() {
            Some(Match::Sure(_)) => Answer::Yes,
            Some(Match::Unsure(_)) => Answer::Unsure,
            None => Answer::No,
        }
    }
}

impl Test {
    pub(super) fn answer(&self, request: &Request, context: Context) -> Answer {
        let answer = match &self.values {
            Values::Texts(Subject::RequestPrincipal, tests) => {
                subject::request_principal(request, |issuer, subject, is_whole| {
                    tests.iter().any(|test| test.matches_principal(issuer, subject, is_whole))
                })
            }
            Values::Texts(Subject::Claim(path), tests) => {
                let test = |text: &[u8]| tests.iter().any(|test| test.matches(text));
                subject::claim(request, path, scalar(tests), test)
            }
            Values::Texts(Subject::Metadata(filter, name), tests) => {
                let scalar = scalar(tests);
                subject::metadata(request, filter, name, scalar, |text, is_element| {
                    tests.iter().any(|test| test.matches_member(text, is_element))
                })
            }
            Values::Texts(subject, tests) => {
                let test = |text: &[u8]| tests.iter().any(|test| test.matches(text));
                subject.answer(request, context.normalization, test)
            }
            Values::Addresses(subject, set) => {
                subject.answer(request, |address, compare| compare(set, address))
            }
            Values::TextLists(subject, lists) => with_lists(lists, |in_unavailable| {
                subject.answer(request, context.normalization, |text| {
                    let is_in =
                        |list: &Rc<List<TextSet>>| list.is_some_and(|set| set.contains(text));
                    in_unavailable || lists.iter().any(is_in)
                })
            }),
            Values::AddressLists(subject, lists) => with_lists(lists, |in_unavailable| {
                subject.answer(request, |address, compare| {
                    let is_in =
                        |list: &Rc<List<IpSet>>| list.is_some_and(|set| compare(set, address));
                    in_unavailable || lists.iter().any(is_in)
                })
            }),
        };
        if self.is_negated { !answer } else { answer }
    }
}

impl Values {
    fn add_needs(&self, needs: &mut Needs) {
        match self {
            Self::Texts(subject, _) | Self::TextLists(subject, _) => subject.add_needs(needs),
            Self::Addresses(subject, _) | Self::AddressLists(subject, _) => {
                subject.add_needs(needs);
            }
        }
    }
}

impl TextTest {
    /// Returns `true` if an issuer and a subject match, in the whole or each in its part.
    fn matches_principal(&self, issuer: &str, subject: &str, is_whole: bool) -> bool {
        match self {
            Self::RequestPrincipal(pattern) if !is_whole => {
                pattern.matches(issuer.as_bytes(), subject.as_bytes())
            }
            test => test.matches(format!("{issuer}/{subject}").as_bytes()),
        }
    }

    /// Returns `true` if a text in dynamic metadata matches, or an element of a list there.
    fn matches_member(&self, text: &[u8], is_element: bool) -> bool {
        match self {
            Self::Element(pattern) => is_element && pattern.matches(text),
            Self::Match(_) => self.matches(text),
            _ => !is_element && self.matches(text),
        }
    }

    pub(super) fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Pattern(pattern) | Self::Element(pattern) => pattern.matches(text),
            Self::Spiffe(pattern) => match text.strip_prefix(b"spiffe://") {
                Some(identity) => pattern.matches(identity),
                None => pattern.is_presence() && pattern.matches(text),
            },
            Self::RequestPrincipal(pattern) => pattern.matches_whole(text),
            Self::Template(template) => template.captures(text).is_some(),
            Self::Match(test) => test.matches(Some(text)),
        }
    }
}

/// Returns the answer for a number or boolean whose JSON text matches.
fn scalar(tests: &[TextTest]) -> Answer {
    // `match` does not exist in Istio, and always compares the JSON text.
    if matches!(tests, [TextTest::Match(_)]) { Answer::Yes } else { Answer::Unsure }
}

/// Returns the answer of a test of lists. The argument of `answer` is `true` if unavailable lists
/// count as containing the value; if that makes a difference, the answer is unsure.
fn with_lists<T>(lists: &[Rc<List<T>>], answer: impl Fn(bool) -> Answer) -> Answer {
    if lists.iter().any(|list| list.is_unsure()) {
        answer(false).agreed(answer(true))
    } else {
        answer(false)
    }
}

/// Returns the conjunction; evaluation stops at the first `No`.
pub(super) fn all(answers: impl IntoIterator<Item = Answer>) -> Answer {
    let mut all = Answer::Yes;
    for answer in answers {
        all = all.and(answer);
        if all == Answer::No {
            break;
        }
    }
    all
}
