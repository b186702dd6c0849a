//! Sticky choices: the key of a request, and issued cookies.

use std::{borrow::Cow, rc::Rc};

use filter_core::{ConsistentHash, HashCookie, Request};

use crate::metrics::Metric;

/// The `consistentHash` and `salt` of an entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sticky {
    pub(crate) hash: ConsistentHash,
    pub(crate) salt: String,
}

/// The key of a choice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Key<'r> {
    /// The bytes of a key and the name of its source.
    Found(Cow<'r, [u8]>, &'static str),
    /// No key: the choice is random.
    Random,
}

/// The cookies issued to one request, all with the same value.
#[derive(Debug, Default)]
pub(crate) struct IssuedCookies {
    pub(crate) id: Option<Rc<str>>,
    pub(crate) cookies: Vec<HashCookie>,
}

impl Key<'_> {
    /// Returns the name of the key's source for explanations.
    pub(crate) const fn source(&self) -> &'static str {
        match self {
            Self::Found(_, source) => source,
            Self::Random => "random",
        }
    }
}

impl Sticky {
    /// Returns the key of a request, or of a cookie that it issues.
    pub(crate) fn key<'r>(
        &self,
        request: &'r Request,
        issued: &mut IssuedCookies,
        random_bits: &mut dyn FnMut() -> u64,
        metrics: &mut Vec<Metric>,
    ) -> Key<'r> {
        if let Some(key) = self.hash.key(request) {
            return Key::Found(key.bytes, key.source.as_str());
        }
        if let Some(cookie) = self.hash.issued_cookie() {
            let id = issued.issue(cookie, random_bits, metrics);
            return Key::Found(Cow::Owned(id.as_bytes().to_vec()), "cookie");
        }
        metrics.push(Metric::Unkeyed);
        Key::Random
    }
}

impl IssuedCookies {
    fn issue(
        &mut self,
        cookie: &HashCookie,
        random_bits: &mut dyn FnMut() -> u64,
        metrics: &mut Vec<Metric>,
    ) -> Rc<str> {
        let new_id = || format!("{:016x}{:016x}", random_bits(), random_bits()).into();
        let id = Rc::clone(self.id.get_or_insert_with(new_id));
        if !self.cookies.iter().any(|issued| issued.name == cookie.name) {
            self.cookies.push(cookie.clone());
            metrics.push(Metric::CookiesIssued);
        }
        id
    }
}
