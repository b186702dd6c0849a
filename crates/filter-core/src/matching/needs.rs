//! What a matcher reads.

use std::collections::BTreeSet;

use super::condition::{Condition, Subject};

/// What a host must read of a request before it asks a matcher.
///
/// Other parts of a filter may add to it, so that everything is read once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Needs {
    /// Headers by name in lower case, pseudo-headers and `cookie` among them.
    pub headers: BTreeSet<String>,
    /// Attributes by their dotted names.
    pub attributes: BTreeSet<String>,
    /// Whether the path is looked at (then `headers` has `:path`).
    pub path: bool,
    /// Whether query parameters are looked at (then `headers` has `:path`).
    pub query: bool,
    /// Whether cookies are looked at (then `headers` has `cookie`).
    pub cookies: bool,
    /// Whether claims of the verified token are looked at.
    pub claims: bool,
    /// Whether the client's address is looked at.
    pub source_address: bool,
    /// Whether the identity of the client's certificate is looked at.
    pub source_principal: bool,
}

impl Needs {
    /// Returns `true` if nothing at all is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds everything that something else reads.
    pub fn merge(&mut self, other: &Self) {
        self.headers.extend(other.headers.iter().cloned());
        self.attributes.extend(other.attributes.iter().cloned());
        self.path |= other.path;
        self.query |= other.query;
        self.cookies |= other.cookies;
        self.claims |= other.claims;
        self.source_address |= other.source_address;
        self.source_principal |= other.source_principal;
    }

    pub(super) fn of(conditions: &[Condition]) -> Self {
        let mut needs = Self::default();
        conditions.iter().for_each(|condition| needs.add(condition));
        needs
    }

    fn add(&mut self, condition: &Condition) {
        match condition {
            Condition::Text(subject, _) | Condition::Without(subject, _) => {
                self.add_subject(subject)
            }
            Condition::Template(_) => self.add_subject(&Subject::Path),
            Condition::Source(_) => self.source_address = true,
            Condition::Any(alternatives) => {
                alternatives.iter().flatten().for_each(|condition| self.add(condition));
            }
            Condition::Not(conditions) => conditions.iter().for_each(|inner| self.add(inner)),
        }
    }

    fn add_subject(&mut self, subject: &Subject) {
        match subject {
            Subject::Path => {
                self.path = true;
                self.header(":path");
            }
            Subject::Authority => self.header(":authority"),
            Subject::Header(name) => self.header(name),
            Subject::Parameter(_) => {
                self.query = true;
                self.header(":path");
            }
            Subject::Cookie(_) => {
                self.cookies = true;
                self.header("cookie");
            }
            Subject::Principal => self.source_principal = true,
            Subject::Claim(_) => self.claims = true,
            Subject::Attribute(name) => {
                self.attributes.insert(name.clone());
            }
        }
    }

    fn header(&mut self, name: &str) {
        if !self.headers.contains(name) {
            self.headers.insert(name.to_owned());
        }
    }
}
