//! Compiled conditions of a match.

use serde_json::Value;

use super::{Answer, HttpMatch, view::View};
use crate::{ClaimPath, IpRange, PathTemplate, StringMatch, values::claim_path::scalar_text};

/// One condition on a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Text(Subject, StringMatch),
    /// True if no value of a header satisfies the test.
    Without(Subject, StringMatch),
    Template(PathTemplate),
    Source(Vec<IpRange>),
    Any(Vec<Vec<Condition>>),
    Not(Vec<Condition>),
}

/// A conjunction of conditions that satisfies a rule; always satisfied if empty.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    pub(super) rule: usize,
    pub(super) conditions: Vec<Condition>,
}

/// The part of a request that a condition tests.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Subject {
    Path,
    Authority,
    /// A header or pseudo-header other than the path and the authority.
    Header(String),
    Parameter(String),
    Cookie(String),
    Principal,
    Claim(ClaimPath),
    Attribute(String),
}

/// Returns conditions whose conjunction is equivalent to the entry.
pub(super) fn conditions(entry: &HttpMatch) -> Vec<Condition> {
    let mut conditions = pseudo_headers(entry);
    conditions.extend(entry.path_template.clone().map(Condition::Template));
    conditions.extend(texts(&entry.headers, |name| Subject::header(name.as_str())));
    let without = entry.without_headers.iter();
    conditions.extend(
        without
            .map(|(name, test)| Condition::Without(Subject::header(name.as_str()), test.clone())),
    );
    conditions.extend(texts(&entry.query_params, |name| Subject::Parameter(name.clone())));
    conditions.extend(texts(&entry.cookies, |name| Subject::Cookie(name.clone())));
    if let Some(source) = &entry.source {
        conditions.extend(source.ip.clone().map(Condition::Source));
        let principal = source.principal.clone();
        conditions.extend(principal.map(|test| Condition::Text(Subject::Principal, test)));
    }
    conditions.extend(texts(&entry.claims, |path| Subject::Claim(path.clone())));
    conditions.extend(texts(&entry.attributes, |name| Subject::attribute(name)));
    conditions.extend(entry.any.as_deref().and_then(any));
    conditions.extend(entry.all.iter().flatten().flat_map(self::conditions));
    conditions.extend(entry.not.as_ref().map(|not| Condition::Not(self::conditions(not))));
    conditions
}

/// Returns the disjunction of the entries; `None` if one of them is always true.
fn any(entries: &[HttpMatch]) -> Option<Condition> {
    let alternatives: Vec<_> = entries.iter().map(conditions).collect();
    let always = alternatives.iter().any(Vec::is_empty);
    (!always).then_some(Condition::Any(alternatives))
}

fn pseudo_headers(entry: &HttpMatch) -> Vec<Condition> {
    let ignore = entry.ignore_uri_case;
    let uri = entry.uri.clone().map(|uri| {
        let test = if ignore && !uri.is_regex() { uri.ignoring_case() } else { uri };
        Condition::Text(Subject::Path, test)
    });
    let fields =
        [(":scheme", &entry.scheme), (":method", &entry.method), (":authority", &entry.authority)];
    let fields = fields.into_iter().filter_map(|(name, test)| {
        test.clone().map(|test| Condition::Text(Subject::header(name), test))
    });
    uri.into_iter().chain(fields).collect()
}

fn texts<'a, K: 'a>(
    tests: impl IntoIterator<Item = (&'a K, &'a StringMatch)>,
    subject: impl Fn(&K) -> Subject,
) -> impl Iterator<Item = Condition> {
    tests.into_iter().map(move |(name, test)| Condition::Text(subject(name), test.clone()))
}

impl Alternative {
    pub(super) fn templates(&self) -> impl Iterator<Item = &PathTemplate> {
        self.conditions.iter().filter_map(|condition| match condition {
            Condition::Template(template) => Some(template),
            Condition::Text(..)
            | Condition::Without(..)
            | Condition::Source(_)
            | Condition::Any(_)
            | Condition::Not(_) => None,
        })
    }
}

impl Condition {
    /// Evaluates the condition for one reading of a request.
    pub(super) fn answer(&self, view: View<'_, '_>) -> Answer {
        match self {
            Self::Text(subject, test) => subject.cached_answer(test, view),
            Self::Without(subject, test) => !subject.cached_answer(test, view),
            Self::Template(_) if view.readings.is_unreadable => Answer::Unsure,
            Self::Template(template) => {
                view.path().is_some_and(|path| template.captures(path).is_some()).into()
            }
            Self::Source(ranges) => match view.readings.request.source_address {
                Some(address) => ranges.iter().any(|range| range.contains(address)).into(),
                None => Answer::Unsure,
            },
            Self::Any(alternatives) => {
                Answer::any(alternatives.iter().map(|conditions| all(conditions, view)))
            }
            Self::Not(conditions) => !all(conditions, view),
        }
    }
}

/// Evaluates a conjunction of conditions.
pub(super) fn all(conditions: &[Condition], view: View<'_, '_>) -> Answer {
    Answer::all(conditions.iter().map(|condition| condition.answer(view)))
}

impl Subject {
    /// Returns the subject for a header. `host` is the authority, as in HTTP/2.
    fn header(name: &str) -> Self {
        match name {
            "host" | ":authority" => Self::Authority,
            name => Self::Header(name.to_owned()),
        }
    }

    /// Returns the subject for an attribute. Attributes that repeat a part of the request are
    /// replaced by that part, so that all its readings are matched.
    fn attribute(name: &str) -> Self {
        match name {
            "request.url_path" => Self::Path,
            "request.host" => Self::Authority,
            "request.method" => Self::header(":method"),
            "request.scheme" => Self::header(":scheme"),
            name => Self::Attribute(name.to_owned()),
        }
    }

    /// Evaluates a test. The result of an expensive test is cached for each value, because many
    /// readings of a request can have the same value.
    fn cached_answer(&self, test: &StringMatch, view: View<'_, '_>) -> Answer {
        let is_cheap = test.exact_texts().is_some() || test.is_present();
        if is_cheap || view.readings.is_single() {
            return self.answer(test, view);
        }
        let reading = match self {
            Self::Path => view.path,
            Self::Authority => view.authority,
            Self::Header(_)
            | Self::Parameter(_)
            | Self::Cookie(_)
            | Self::Principal
            | Self::Claim(_)
            | Self::Attribute(_) => 0,
        };
        // The matcher does not move while it is used, so the address identifies the test.
        let key = (std::ptr::from_ref(test) as usize, reading);
        let cached = view.readings.cache.borrow().get(&key).copied();
        cached.unwrap_or_else(|| {
            let answer = self.answer(test, view);
            view.readings.cache.borrow_mut().insert(key, answer);
            answer
        })
    }

    fn answer(&self, test: &StringMatch, view: View<'_, '_>) -> Answer {
        let (readings, request) = (view.readings, view.readings.request);
        let single = |value: Option<&[u8]>| value.map_or(Answer::No, |value| test.answer(value));
        match self {
            Self::Path | Self::Authority if readings.is_unreadable => Answer::Unsure,
            Self::Path => single(view.path()),
            Self::Authority => single(view.authority()),
            Self::Header(name) => {
                readings.of_occurrences(request.headers.all(name).map(|value| test.answer(value)))
            }
            Self::Parameter(name) => readings.pairs_answer(readings.parameters(), name, test),
            Self::Cookie(name) => readings.pairs_answer(readings.cookies(), name, test),
            Self::Principal => single(request.source_principal.as_deref()),
            Self::Claim(path) => {
                let claim = request.claims.as_ref().and_then(|claims| path.find(claims));
                claim.map_or(Answer::No, |claim| claim_answer(test, claim))
            }
            Self::Attribute(name) => single(request.attributes.get(name).map(Vec::as_slice)),
        }
    }
}

/// Evaluates a test for a claim, or for any element of a claim that is a list.
fn claim_answer(test: &StringMatch, claim: &Value) -> Answer {
    match claim {
        Value::Null => Answer::No,
        _ if test.is_present() => Answer::Yes,
        Value::Array(elements) => {
            Answer::any(elements.iter().map(|element| scalar_answer(test, element)))
        }
        scalar => scalar_answer(test, scalar),
    }
}

/// Evaluates a test for a scalar; unsure for an object or a nested list.
fn scalar_answer(test: &StringMatch, value: &Value) -> Answer {
    scalar_text(value).map_or(Answer::Unsure, |text| test.answer(&text))
}
