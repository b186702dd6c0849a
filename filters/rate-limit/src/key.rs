//! The key of a request.

use std::hash::Hasher;

use filter_core::{Captures, Needs, Request};
use siphasher::sip::SipHasher13;

use self::source::{Source, sources};
use crate::config::KeyConfig;

mod source;

pub(crate) use self::source::{Value, agreeing, header_values, only, path_variable};

/// The components of a limit's key.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySpec(Vec<Component>);

/// A component: the first of these sources that the request has.
type Component = Vec<Source>;

/// The random secret of the pod, without which a client cannot find keys that collide.
#[derive(Clone, Copy, Default)]
pub struct Secret(pub [u8; 16]);

/// The key of a request for a limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Key {
    /// Keyed hash of the limit and the values.
    pub(crate) hash: u64,
    pub(crate) status: KeyStatus,
}

/// The readability of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyStatus {
    /// All components were found.
    Found,
    /// A component is missing; all such requests have the same hash.
    Missing,
    /// A component has several values that differ; all such requests have the same hash.
    Ambiguous,
}

impl KeySpec {
    pub(crate) fn new(components: &[KeyConfig]) -> Self {
        Self(components.iter().map(sources).collect())
    }

    /// Returns `true` if there is one key for all requests.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the parts of a request that are read.
    pub(crate) fn add_needs(&self, needs: &mut Needs) {
        self.0.iter().flatten().for_each(|source| source.add_needs(needs));
    }

    /// Returns the names of the variables of path templates.
    pub(crate) fn path_variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().filter_map(|source| match source {
            Source::PathVariable(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Returns the key of a request for the limit with this name.
    pub(crate) fn of(
        &self,
        limit: &str,
        secret: Secret,
        request: &Request,
        captures: &Captures,
    ) -> Key {
        let mut hasher = KeyHasher::new(secret, limit);
        for component in &self.0 {
            let (value, source) = first_of(component, request, captures);
            let status = match value {
                Value::Found(bytes) => {
                    hasher.add(source.map_or("", Source::name), &bytes);
                    continue;
                }
                Value::Missing => KeyStatus::Missing,
                Value::Ambiguous => KeyStatus::Ambiguous,
            };
            return KeyHasher::shared(secret, limit, status);
        }
        Key { hash: hasher.0.finish(), status: KeyStatus::Found }
    }

    /// Returns the components as entries of a descriptor; `None` for a component without a value.
    ///
    /// Bytes that are not UTF-8 become the replacement character, so such values may share a count.
    pub(crate) fn entries<'r>(
        &'r self,
        request: &'r Request,
        captures: &'r Captures,
    ) -> impl Iterator<Item = (String, Option<String>)> {
        self.0.iter().map(move |component| {
            let (value, source) = first_of(component, request, captures);
            let text = match (value, source) {
                (Value::Found(bytes), Some(source)) => Some(source.text(&bytes)),
                (Value::Found(_) | Value::Missing | Value::Ambiguous, _) => None,
            };
            let source = source.filter(|_| text.is_some()).or(component.first());
            (source.map_or("", Source::name).to_owned(), text)
        })
    }

    /// Returns the names of the sources of the key, such as `claim`; `missing` for a component
    /// without a value.
    pub(crate) fn sources(&self, request: &Request, captures: &Captures) -> String {
        let names = self.0.iter().map(|component| match first_of(component, request, captures) {
            (Value::Found(_), source) => source.map_or("", Source::name),
            (Value::Missing | Value::Ambiguous, _) => "missing",
        });
        names.collect::<Vec<_>>().join("+")
    }
}

/// Returns the value of a component, and its source.
fn first_of<'r>(
    component: &'r Component,
    request: &'r Request,
    captures: &'r Captures,
) -> (Value<'r>, Option<&'r Source>) {
    for source in component {
        match source.value(request, captures) {
            Value::Missing => {}
            value => return (value, Some(source)),
        }
    }
    (Value::Missing, None)
}

/// Hashes the values of a key.
struct KeyHasher(SipHasher13);

impl KeyHasher {
    fn new(secret: Secret, limit: &str) -> Self {
        let mut hasher = Self(SipHasher13::new_with_key(&secret.0));
        hasher.add_bytes(limit.as_bytes());
        hasher
    }

    /// Adds a value with its source, so that equal values of different sources differ.
    fn add(&mut self, source: &'static str, bytes: &[u8]) {
        self.add_bytes(source.as_bytes());
        self.add_bytes(bytes);
    }

    /// Adds bytes with their length, so that `ab`, `c` and `a`, `bc` differ.
    fn add_bytes(&mut self, bytes: &[u8]) {
        self.0.write(&(bytes.len() as u64).to_le_bytes());
        self.0.write(bytes);
    }

    /// Returns the key that all requests without a readable key share.
    fn shared(secret: Secret, limit: &str, status: KeyStatus) -> Key {
        let mut hasher = Self::new(secret, limit);
        hasher.add_bytes(b"missing");
        Key { hash: hasher.0.finish(), status }
    }
}

#[cfg(test)]
mod tests;
