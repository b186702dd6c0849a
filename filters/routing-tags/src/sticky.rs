//! What keeps a request with one variant.

use std::{borrow::Cow, rc::Rc};

use filter_core::{ConsistentHash, HashCookie, Request};

use crate::metrics::Event;

/// Where an entry's choice comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sticky {
    pub(crate) hash: ConsistentHash,
    pub(crate) salt: String,
}

/// What a choice is made by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Key<'r> {
    /// The bytes of a key, and the word for where it was found.
    Found(Cow<'r, [u8]>, &'static str),
    /// Random bits, because nothing else was asked for or found.
    Random,
}

/// The cookies that one request is issued: all have the same value.
#[derive(Debug, Default)]
pub(crate) struct Issued {
    pub(crate) id: Option<Rc<str>>,
    pub(crate) cookies: Vec<HashCookie>,
}

impl Key<'_> {
    /// Returns the word that says where the key was found.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Found(_, word) => word,
            Self::Random => "random",
        }
    }
}

impl Sticky {
    /// Finds the key of a request, or issues one.
    pub(crate) fn key<'r>(
        &self,
        request: &'r Request,
        issued: &mut Issued,
        bits: &mut dyn FnMut() -> u64,
        events: &mut Vec<Event>,
    ) -> Key<'r> {
        if let Some(key) = self.hash.key(request) {
            return Key::Found(key.bytes, key.source.as_str());
        }
        if let Some(cookie) = self.hash.issued_cookie() {
            let id = issued.issue(cookie, bits, events);
            return Key::Found(Cow::Owned(id.as_bytes().to_vec()), "cookie");
        }
        events.push(Event::Unkeyed);
        Key::Random
    }
}

impl Issued {
    fn issue(
        &mut self,
        cookie: &HashCookie,
        bits: &mut dyn FnMut() -> u64,
        events: &mut Vec<Event>,
    ) -> Rc<str> {
        let id = self.id.get_or_insert_with(|| format!("{:016x}{:016x}", bits(), bits()).into());
        if !self.cookies.iter().any(|known| known.name == cookie.name) {
            self.cookies.push(cookie.clone());
            events.push(Event::CookiesIssued);
        }
        Rc::clone(id)
    }
}
