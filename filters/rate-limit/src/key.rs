//! The key of a request.

use std::{borrow::Cow, hash::Hasher, net::IpAddr};

use filter_core::{
    Captures, ClaimPath, HeaderName, Headers, Needs, PathNormalization, Request, RequestPath,
    cookies, host, percent_decode,
};
use siphasher::sip::SipHasher13;

use crate::config::KeyConfig;

/// The components of a limit's key.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySpec(Vec<Component>);

/// A component: the first of these sources that the request has.
type Component = Vec<Source>;

/// A source of a component.
#[derive(Clone, Debug)]
enum Source {
    Claim(ClaimPath),
    Header(HeaderName),
    /// The host of the request, without its port.
    Host,
    QueryParameter(String),
    Cookie(String),
    /// The client's address, with the prefix lengths that identify a client.
    Address {
        v4: u32,
        v6: u32,
    },
    /// The identity in the client's certificate.
    Principal,
    /// A variable of the path template.
    PathVariable(String),
    Method,
    Attribute(String),
    Connection,
}

/// The attribute that identifies a connection.
const CONNECTION: &str = "connection.id";
/// Prefix length of an IPv6 site.
const SITE: u32 = 64;

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

/// The value of a component.
pub(crate) enum Value<'r> {
    Found(Cow<'r, [u8]>),
    Missing,
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

fn sources(config: &KeyConfig) -> Component {
    let prefix = config.prefix.unwrap_or_default();
    let length =
        |bits: Option<u64>, default| bits.and_then(|bits| bits.try_into().ok()).unwrap_or(default);
    let address = Source::Address {
        v4: length(prefix.v4.map(|bits| bits.get()), 32),
        v6: length(prefix.v6.map(|bits| bits.get()), SITE),
    };
    [
        config.claim.clone().map(Source::Claim),
        config.http_header_name.clone().map(Source::header),
        config.http_query_parameter_name.clone().map(Source::QueryParameter),
        config.http_cookie.as_ref().map(|cookie| Source::Cookie(cookie.name.clone())),
        config.use_source_ip.then_some(address),
        config.principal.then_some(Source::Principal),
        config.path_variable.clone().map(Source::PathVariable),
        config.method.then_some(Source::Method),
        config.attribute.clone().map(Source::Attribute),
        config.connection.then_some(Source::Connection),
    ]
    .into_iter()
    .flatten()
    .collect()
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

impl Source {
    /// The proxy has the header `host` as `:authority`.
    fn header(name: HeaderName) -> Self {
        if name.as_str() == "host" { Self::Host } else { Self::Header(name) }
    }

    /// Returns a value as text.
    fn text(&self, bytes: &[u8]) -> String {
        match self {
            Self::Address { .. } => address_text(bytes),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Claim(_) => "claim",
            Self::Header(_) | Self::Host => "header",
            Self::QueryParameter(_) => "query",
            Self::Cookie(_) => "cookie",
            Self::Address { .. } => "source_ip",
            Self::Principal => "principal",
            Self::PathVariable(_) => "path",
            Self::Method => "method",
            Self::Attribute(_) => "attribute",
            Self::Connection => "connection",
        }
    }

    fn add_needs(&self, needs: &mut Needs) {
        match self {
            Self::Claim(_) => needs.claims = true,
            Self::Header(name) => insert(&mut needs.headers, name.as_str()),
            Self::Host => insert(&mut needs.headers, ":authority"),
            Self::QueryParameter(_) => {
                needs.query = true;
                insert(&mut needs.headers, ":path");
            }
            Self::Cookie(_) => {
                needs.cookies = true;
                insert(&mut needs.headers, "cookie");
            }
            Self::Address { .. } => needs.source_address = true,
            Self::Principal => needs.source_principal = true,
            Self::PathVariable(_) => {
                needs.path = true;
                insert(&mut needs.headers, ":path");
            }
            Self::Method => insert(&mut needs.headers, ":method"),
            Self::Attribute(name) => insert(&mut needs.attributes, name),
            Self::Connection => insert(&mut needs.attributes, CONNECTION),
        }
    }

    fn value<'r>(&'r self, request: &'r Request, captures: &'r Captures) -> Value<'r> {
        let headers = &request.headers;
        match self {
            Self::Claim(path) => {
                let claims = request.claims.as_ref();
                only(claims.and_then(|claims| path.find_scalar(claims)))
            }
            Self::Header(name) => agreeing(header_values(headers, name.as_str())),
            Self::Host => only(headers.first(":authority").map(host)),
            Self::QueryParameter(name) => agreeing(parameters(headers, name)),
            Self::Cookie(name) => agreeing(
                cookies(headers)
                    .filter(|(found, _)| *found == name.as_bytes())
                    .map(|(_, value)| Cow::Borrowed(value)),
            ),
            Self::Address { v4, v6 } => {
                let address = request.source_address.map(|address| prefix(address, *v4, *v6));
                only(address.map(Cow::Owned))
            }
            Self::Principal => only(request.source_principal.as_deref().map(Cow::Borrowed)),
            Self::PathVariable(name) => path_variable(captures, name),
            Self::Method => only(headers.first(":method").map(Cow::Borrowed)),
            Self::Attribute(name) => only(attribute(request, name)),
            Self::Connection => only(attribute(request, CONNECTION)),
        }
    }
}

fn insert(names: &mut std::collections::BTreeSet<String>, name: &str) {
    names.insert(name.to_owned());
}

fn attribute<'r>(request: &'r Request, name: &str) -> Option<Cow<'r, [u8]>> {
    request.attributes.get(name).map(|value| Cow::Borrowed(value.as_slice()))
}

/// Returns the values of a header.
pub(crate) fn header_values<'r>(
    headers: &'r Headers,
    name: &str,
) -> impl Iterator<Item = Cow<'r, [u8]>> {
    let values = headers.iter().filter(move |(found, _)| *found == name.as_bytes());
    values.map(|(_, value)| Cow::Borrowed(value))
}

/// Returns the value of a path variable on which all readings of the path agree: neither an encoded
/// character nor a path parameter is another client.
pub(crate) fn path_variable<'r>(captures: &'r Captures, name: &str) -> Value<'r> {
    let found = captures.iter().filter(|(found, _)| found == name);
    agreeing(found.map(|(_, value)| percent_decode(value)))
}

fn parameters<'r>(headers: &'r Headers, name: &str) -> impl Iterator<Item = Cow<'r, [u8]>> {
    let target = headers.first(":path").unwrap_or_default();
    let path = RequestPath::new(target, PathNormalization::None);
    let name = as_in_forms(Cow::Borrowed(name.as_bytes()));
    let found: Vec<_> = path
        .parameters()
        .filter(|(found, _)| as_in_forms(Cow::Borrowed(found)) == name)
        .map(|(_, value)| as_in_forms(value))
        .collect();
    found.into_iter()
}

/// Returns a name or a value of a query with `+` as a space, as servers that read forms do.
///
/// A client could otherwise write one value in two ways.
fn as_in_forms(mut text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if text.contains(&b'+') {
        let text = text.to_mut();
        text.iter_mut().filter(|byte| **byte == b'+').for_each(|byte| *byte = b' ');
    }
    text
}

/// Returns a value that a request has at most once.
pub(crate) fn only(value: Option<Cow<'_, [u8]>>) -> Value<'_> {
    value.filter(|value| !value.is_empty()).map_or(Value::Missing, Value::Found)
}

/// Returns the value that all occurrences have; empty ones are ignored.
pub(crate) fn agreeing<'r>(values: impl Iterator<Item = Cow<'r, [u8]>>) -> Value<'r> {
    let mut values = values.filter(|value| !value.is_empty());
    let Some(first) = values.next() else { return Value::Missing };
    if values.all(|other| other == first) { Value::Found(first) } else { Value::Ambiguous }
}

/// Returns the bytes of an address with the bits after the prefix set to zero. An IPv4-mapped IPv6
/// address is an IPv4 address.
fn prefix(address: IpAddr, v4: u32, v6: u32) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(v4)).unwrap_or(0);
            (address.to_bits() & mask).to_be_bytes().to_vec()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(v6)).unwrap_or(0);
            (address.to_bits() & mask).to_be_bytes().to_vec()
        }
    }
}

/// Returns the text of an address in network byte order.
fn address_text(bytes: &[u8]) -> String {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| v6()).map(|address| address.to_string()).unwrap_or_default()
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
