//! The sources of a key, and their values.

use std::{borrow::Cow, net::IpAddr};

use filter_core::{
    Captures, ClaimPath, HeaderName, Headers, Needs, PathNormalization, Request, RequestPath,
    cookies, host, percent_decode,
};

use crate::config::KeyConfig;

/// A source of a component.
#[derive(Clone, Debug)]
pub(super) enum Source {
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

/// The value of a component.
pub(crate) enum Value<'r> {
    Found(Cow<'r, [u8]>),
    Missing,
    Ambiguous,
}

/// Returns the sources of a component, in the order in which they are tried.
pub(super) fn sources(config: &KeyConfig) -> Vec<Source> {
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

impl Source {
    /// The proxy has the header `host` as `:authority`.
    fn header(name: HeaderName) -> Self {
        if name.as_str() == "host" { Self::Host } else { Self::Header(name) }
    }

    /// Returns a value as text.
    pub(super) fn text(&self, bytes: &[u8]) -> String {
        match self {
            Self::Address { .. } => address_text(bytes),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    pub(super) const fn name(&self) -> &'static str {
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

    pub(super) fn add_needs(&self, needs: &mut Needs) {
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

    pub(super) fn value<'r>(&'r self, request: &'r Request, captures: &'r Captures) -> Value<'r> {
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
