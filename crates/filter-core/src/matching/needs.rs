//! Inputs of a matcher.

use std::collections::BTreeSet;

use super::condition::{Condition, Subject};

/// The parts of a request that a host must read before matching.
///
/// Other parts of a filter can add to it, so that everything is read once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Needs {
    /// Names of headers in lower case, including pseudo-headers and `cookie`.
    pub headers: BTreeSet<String>,
    /// Names of Envoy attributes.
    pub attributes: BTreeSet<String>,
    /// `true` if the path is read; `headers` then contains `:path`.
    pub path: bool,
    /// `true` if query parameters are read; `headers` then contains `:path`.
    pub query: bool,
    /// `true` if cookies are read; `headers` then contains `cookie`.
    pub cookies: bool,
    /// `true` if claims of the verified token are read.
    pub claims: bool,
    /// `true` if claims are read with their types: a number as a number, which may be rounded.
    pub typed_claims: bool,
    /// `true` if the client's address is read.
    pub source_address: bool,
    /// `true` if the identity in the client's certificate is read.
    pub source_principal: bool,
    /// `true` if identities that Istio has established take the place of absent ones: the claims
    /// that RequestAuthentication verified, and in a waypoint the identity of the peer.
    pub istio_identity: bool,
    /// Names of filters whose dynamic metadata is read.
    pub metadata: BTreeSet<String>,
}

impl Needs {
    /// Returns `true` if nothing is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds all needs of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.headers.extend(other.headers.iter().cloned());
        self.attributes.extend(other.attributes.iter().cloned());
        self.path |= other.path;
        self.query |= other.query;
        self.cookies |= other.cookies;
        self.claims |= other.claims;
        self.typed_claims |= other.typed_claims;
        self.source_address |= other.source_address;
        self.source_principal |= other.source_principal;
        self.istio_identity |= other.istio_identity;
        self.metadata.extend(other.metadata.iter().cloned());
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
