//! Compilation of lists of values.

use std::{borrow::Cow, fmt::Display};

use filter_core::{ConfigErrors, IpRange, PathTemplate, StringMatch};

use super::named_lists::NamedLists;
use crate::policy::{
    pattern::{Pattern, RequestPrincipal},
    rule::{Test, TextTest, Values},
    subject::{AddressSubject, Subject},
};

/// A list of values, and the list of values that must not match.
#[derive(Clone, Copy)]
pub(super) struct Pair<'c> {
    lists: [(&'static str, &'c [String], bool); 2],
}

/// The tests of a source, an operation or a condition.
pub(super) struct Tests<'c, 'e> {
    path: &'c str,
    /// The key of a condition, which names its tests.
    key: Option<&'c str>,
    errors: &'e mut ConfigErrors,
    tests: Vec<Test>,
    has_values: bool,
}

/// The result of compiling one value.
pub(super) type Compiled = Result<TextTest, String>;

impl<'c> Pair<'c> {
    pub(super) const fn new(
        field: &'static str,
        values: &'c [String],
        not_field: &'static str,
        not_values: &'c [String],
    ) -> Self {
        Self { lists: [(field, values, false), (not_field, not_values, true)] }
    }
}

impl<'c, 'e> Tests<'c, 'e> {
    pub(super) const fn new(path: &'c str, errors: &'e mut ConfigErrors) -> Self {
        Self { path, key: None, errors, tests: Vec::new(), has_values: false }
    }

    /// Creates the tests of a condition with this key.
    pub(super) fn of_key(path: &'c str, key: &'c str, errors: &'e mut ConfigErrors) -> Self {
        Self { key: Some(key), ..Self::new(path, errors) }
    }

    /// Adds the tests of a text.
    pub(super) fn texts(
        &mut self,
        subject: Subject,
        pair: Pair<'_>,
        compile: impl Fn(&str) -> Compiled,
    ) {
        self.several_texts(subject, pair, |value, _| compile(value).map(|test| vec![test]));
    }

    /// Adds the tests of a text, several for each value. `compile` gets a value, and `true` if it
    /// must not match.
    pub(super) fn several_texts(
        &mut self,
        subject: Subject,
        pair: Pair<'_>,
        compile: impl Fn(&str, bool) -> Result<Vec<TextTest>, String>,
    ) {
        for (field, values, is_negated) in pair.lists {
            let tests = self.each(field, values, |value| compile(value, is_negated));
            let tests = tests.into_iter().flatten().collect();
            if !values.is_empty() {
                self.push(field, Values::Texts(subject.clone(), tests), is_negated);
            }
        }
    }

    /// Adds the tests of an address.
    pub(super) fn addresses(&mut self, subject: AddressSubject, pair: Pair<'_>) {
        for (field, values, is_negated) in pair.lists {
            let ranges = self.each(field, values, |value| {
                value.parse::<IpRange>().map_err(|error| error.to_string())
            });
            if !values.is_empty() {
                let set = ranges.into_iter().collect();
                self.push(field, Values::Addresses(subject, set), is_negated);
            }
        }
    }

    /// Adds the tests of an address by named lists.
    pub(super) fn address_lists(
        &mut self,
        subject: AddressSubject,
        pair: Pair<'_>,
        lists: &NamedLists<'_>,
    ) {
        for (field, names, is_negated) in pair.lists {
            let lists = self.each(field, names, |name| lists.addresses(name));
            if !names.is_empty() {
                self.push(field, Values::AddressLists(subject, lists), is_negated);
            }
        }
    }

    /// Adds the test of a text by named lists.
    pub(super) fn text_lists(
        &mut self,
        subject: Subject,
        field: &'static str,
        names: &[String],
        lists: &NamedLists<'_>,
    ) {
        let lists = self.each(field, names, |name| lists.texts(name));
        if !names.is_empty() {
            self.push(field, Values::TextLists(subject, lists), false);
        }
    }

    /// Adds the test of a text by `match`.
    pub(super) fn matched(&mut self, subject: Subject, test: &StringMatch) {
        self.has_values = true;
        self.push("match", Values::Texts(subject, vec![TextTest::Match(test.clone())]), false);
    }

    fn push(&mut self, field: &'static str, values: Values, is_negated: bool) {
        let field = self.key.map_or(Cow::Borrowed(field), |key| Cow::Owned(key.to_owned()));
        self.tests.push(Test { field, values, is_negated });
    }

    /// Returns the tests; an error if there are none.
    pub(super) fn finish(self) -> Vec<Test> {
        if !self.has_values {
            self.errors.add(self.path, "must have at least one list of values");
        }
        self.tests
    }

    fn each<T, E: Display>(
        &mut self,
        field: &str,
        values: &[String],
        compile: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        self.has_values |= !values.is_empty();
        let mut compiled = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let path = format!("{}.{field}[{index}]", self.path);
            if value.is_empty() {
                self.errors.add(path, "must not be empty");
                continue;
            }
            match compile(value) {
                Ok(test) => compiled.push(test),
                Err(error) => self.errors.add(path, format_args!("{error}, got \"{value}\"")),
            }
        }
        compiled
    }
}

pub(super) fn pattern(value: &str) -> TextTest {
    TextTest::Pattern(Pattern::new(value))
}

pub(super) fn header(value: &str) -> TextTest {
    TextTest::Pattern(Pattern::of_header(value))
}

pub(super) fn request_principal(value: &str) -> TextTest {
    TextTest::RequestPrincipal(RequestPrincipal::new(value))
}

pub(super) fn spiffe(value: &str) -> TextTest {
    TextTest::Spiffe(Pattern::new(value))
}

pub(super) fn host(value: &str) -> TextTest {
    TextTest::Pattern(Pattern::of_header(value).in_lower_case())
}

/// Compiles a path, which may be a template.
pub(super) fn path(value: &str) -> Compiled {
    if !value.contains('{') {
        return Ok(pattern(value));
    }
    let template = value.parse::<PathTemplate>().map_err(|error| error.to_string())?;
    Ok(TextTest::Template(template))
}

pub(super) fn port(value: &str) -> Compiled {
    let is_port = value.parse::<u16>().is_ok_and(|port| port > 0 && port.to_string() == value);
    if is_port { Ok(pattern(value)) } else { Err("must be a port, 1 to 65535".to_owned()) }
}

/// Compiles a namespace: Istio searches it in the path of the identity.
pub(super) fn namespace(value: &str) -> Compiled {
    regex(&format!(".*/ns/{}/.*", with_stars(value)))
}

/// Compiles a trust domain, the first part of the identity.
pub(super) fn trust_domain(value: &str) -> Compiled {
    if value.contains('/') {
        return Err("must be a trust domain without '/'".to_owned());
    }
    let free = value.strip_prefix('*').or(value.strip_suffix('*')).unwrap_or(value);
    if free.contains('*') {
        return Err("must have at most one '*', at the beginning or the end".to_owned());
    }
    if value == "*" {
        return regex("spiffe://.*");
    }
    regex(&format!("spiffe://{}/.*", escaped(value).replace("\\*", "[^/]*")))
}

/// Compiles a value in dynamic metadata; `[abc]` is an element of a list.
pub(super) fn metadata(value: &str) -> Compiled {
    if !(value.starts_with('[') && value.ends_with(']')) {
        return Ok(pattern(value));
    }
    match value.trim_matches(['[', ']']) {
        "" => Err("must have a text in its brackets".to_owned()),
        element => Ok(TextTest::Element(Pattern::new(element))),
    }
}

/// Compiles a service account, `<namespace>/<name>` or `<name>` in the namespace of the policy.
pub(super) fn service_account(value: &str, namespace: Option<&str>) -> Compiled {
    let (namespace, name) = match (value.split_once('/'), namespace) {
        (Some(found), _) => found,
        (None, Some(namespace)) => (namespace, value),
        (None, None) => {
            return Err(
                "must be <namespace>/<name>, because the policy has no namespace".to_owned()
            );
        }
    };
    let is_plain = |text: &str| !text.is_empty() && !text.contains(['*', '/']);
    if !is_plain(namespace) || !is_plain(name) {
        return Err("must be <namespace>/<name> without wildcards".to_owned());
    }
    regex(&format!("spiffe://.+/ns/{}/(.+/|)sa/{}(/.+)?", escaped(namespace), escaped(name)))
}

fn regex(text: &str) -> Compiled {
    let test = serde_json::from_value(serde_json::json!({"regex": text}));
    test.map(|test: StringMatch| TextTest::Match(test)).map_err(|error| error.to_string())
}

fn with_stars(text: &str) -> String {
    let parts: Vec<_> = text.split('*').map(escaped).collect();
    parts.join(".*")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        if letter.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
