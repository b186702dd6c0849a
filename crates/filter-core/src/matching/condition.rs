//! The conditions of a match, ready to be asked.

use serde_json::Value;

use super::{HttpMatch, request::View};
use crate::{ClaimPath, HeaderName, IpRange, PathTemplate, StringMatch, claim_path::scalar_text};

/// One condition on a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Text(Subject, StringMatch),
    NoHeader(String, StringMatch),
    Template(PathTemplate),
    Source(Vec<IpRange>),
    Any(Vec<Vec<Condition>>),
    Not(Vec<Condition>),
}

/// One way to fulfil a rule. Without conditions it always is.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    pub(super) rule: usize,
    pub(super) conditions: Vec<Condition>,
}

/// What a condition on text looks at.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Subject {
    Path,
    /// A header or pseudo-header.
    Header(String),
    Parameter(String),
    Cookie(String),
    Principal,
    Claim(ClaimPath),
    Attribute(String),
}

/// Returns conditions that hold together exactly when the entry does.
pub(super) fn conditions(entry: &HttpMatch) -> Vec<Condition> {
    let mut conditions = pseudo_headers(entry);
    conditions.extend(entry.path_template.clone().map(Condition::Template));
    conditions.extend(texts(&entry.headers, |name| Subject::Header(looked_up(name))));
    let without = entry.without_headers.iter();
    conditions
        .extend(without.map(|(name, test)| Condition::NoHeader(looked_up(name), test.clone())));
    conditions.extend(texts(&entry.query_params, |name| Subject::Parameter(name.clone())));
    conditions.extend(texts(&entry.cookies, |name| Subject::Cookie(name.clone())));
    if let Some(source) = &entry.source {
        conditions.extend(source.ip.clone().map(Condition::Source));
        let principal = source.principal.clone();
        conditions.extend(principal.map(|test| Condition::Text(Subject::Principal, test)));
    }
    conditions.extend(texts(&entry.claims, |path| Subject::Claim(path.clone())));
    conditions.extend(texts(&entry.attributes, |name| Subject::Attribute(name.clone())));
    conditions.extend(entry.any.as_deref().and_then(any));
    conditions.extend(entry.all.iter().flatten().flat_map(self::conditions));
    conditions.extend(entry.not.as_ref().map(|not| Condition::Not(self::conditions(not))));
    conditions
}

/// Returns the name under which a proxy keeps a header: `host` is the authority of HTTP/2.
fn looked_up(name: &HeaderName) -> String {
    let name = name.as_str();
    if name == "host" { ":authority" } else { name }.to_owned()
}

/// Returns the condition that one of the entries holds; none where one of them always does.
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
        test.clone().map(|test| Condition::Text(Subject::Header(name.to_owned()), test))
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
            _ => None,
        })
    }
}

impl Condition {
    pub(super) fn holds(&self, view: &View<'_>) -> bool {
        match self {
            Self::Text(subject, test) => subject.fulfils(test, view),
            Self::NoHeader(name, test) => {
                let mut values = view.request.headers.all(name);
                !values.any(|value| test.matches(Some(value)))
            }
            Self::Template(template) => {
                view.path().is_some_and(|path| template.captures(path).is_some())
            }
            Self::Source(ranges) => {
                let address = view.request.source_address;
                address.is_some_and(|address| ranges.iter().any(|range| range.contains(address)))
            }
            Self::Any(alternatives) => alternatives.iter().any(|conditions| all(conditions, view)),
            Self::Not(conditions) => !all(conditions, view),
        }
    }
}

/// Says whether all conditions hold.
pub(super) fn all(conditions: &[Condition], view: &View<'_>) -> bool {
    conditions.iter().all(|condition| condition.holds(view))
}

impl Subject {
    fn fulfils(&self, test: &StringMatch, view: &View<'_>) -> bool {
        let request = view.request;
        match self {
            Self::Path => test.matches(view.path()),
            Self::Header(name) => request.headers.all(name).any(|value| test.matches(Some(value))),
            Self::Parameter(name) => view
                .parameters()
                .iter()
                .any(|(found, value)| **found == *name.as_bytes() && test.matches(Some(value))),
            Self::Cookie(name) => view
                .cookies()
                .iter()
                .any(|(found, value)| *found == name.as_bytes() && test.matches(Some(value))),
            Self::Principal => test.matches(request.source_principal.as_deref()),
            Self::Claim(path) => {
                let claim = request.claims.as_ref().and_then(|claims| path.find(claims));
                claim.is_some_and(|claim| claim_fulfils(test, claim))
            }
            Self::Attribute(name) => test.matches(request.attributes.get(name).map(Vec::as_slice)),
        }
    }
}

/// Says whether a claim, or an element of a claim that is a list, fulfils a condition.
fn claim_fulfils(test: &StringMatch, claim: &Value) -> bool {
    match claim {
        Value::Null => false,
        _ if test.is_present() => true,
        Value::Array(elements) => elements.iter().any(|element| scalar_fulfils(test, element)),
        scalar => scalar_fulfils(test, scalar),
    }
}

fn scalar_fulfils(test: &StringMatch, value: &Value) -> bool {
    scalar_text(value).is_some_and(|text| test.matches(Some(&text)))
}
