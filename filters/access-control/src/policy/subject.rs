//! The parts of a request that tests read.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use filter_core::{
    Answer, ClaimPath, IpSet, Needs, PathNormalization, Request, RequestPath, host,
    protobuf::MAX_SAFE_INTEGER,
};
use serde_json::Value;

/// The attribute with the address and the port of the client or of a proxy before it.
pub(super) const SOURCE: &str = "source.address";
const DESTINATION: &str = "destination.address";
pub(super) const PORT: &str = "destination.port";
const SNI: &str = "connection.requested_server_name";
/// The claims that are lists separated by spaces.
const LISTS: [&str; 2] = ["scope", "permission"];

/// A part of a request that is a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Subject {
    /// The identity in the client's certificate, with its scheme.
    Principal,
    /// A part of that identity, without its scheme.
    Identity(Part),
    /// The issuer and the subject of the verified token.
    RequestPrincipal,
    Host,
    Port,
    Method,
    Path,
    Header(String),
    Claim(ClaimPath),
    /// A member of the dynamic metadata of a filter: the names of both.
    Metadata(String, String),
    Sni,
}

/// A part of an identity: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    /// All of it after the scheme.
    Whole,
    TrustDomain,
    Namespace,
}

/// A part of a request that is an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AddressSubject {
    /// The peer of the connection.
    Peer,
    /// The client, according to `x-forwarded-for`.
    Remote,
    Destination,
}

impl Subject {
    pub(super) fn add_needs(&self, needs: &mut Needs) {
        let mut header = |name: &str| {
            needs.headers.insert(name.to_owned());
        };
        match self {
            Self::Host => header(":authority"),
            Self::Method => header(":method"),
            Self::Header(name) => header(name),
            Self::Path => {
                header(":path");
                needs.path = true;
            }
            Self::Principal | Self::Identity(_) => needs.source_principal = true,
            Self::RequestPrincipal | Self::Claim(_) => {
                // A text and a number with the same digits differ.
                needs.typed_claims = true;
            }
            Self::Metadata(filter, _) => {
                needs.metadata.insert(filter.clone());
            }
            Self::Port => {
                needs.attributes.insert(PORT.to_owned());
            }
            Self::Sni => {
                needs.attributes.insert(SNI.to_owned());
            }
        }
    }

    /// Returns the answer of a test of the text; `No` if the request does not have it.
    pub(super) fn answer(
        &self,
        request: &Request,
        normalization: PathNormalization,
        test: impl Fn(&[u8]) -> bool,
    ) -> Answer {
        let of = |text: Option<&[u8]>| Answer::from(text.is_some_and(&test));
        let headers = &request.headers;
        match self {
            Self::Principal => of(request.source_principal.as_deref()),
            Self::Identity(part) => identity_answer(request, *part, test),
            Self::RequestPrincipal => request_principal(request, |issuer, subject, _| {
                test(format!("{issuer}/{subject}").as_bytes())
            }),
            Self::Host => headers.first(":authority").map_or(Answer::No, |authority| {
                let literal = authority.to_ascii_lowercase();
                Answer::from(test(&literal)).agreed(Answer::from(test(&host(authority))))
            }),
            Self::Method => of(headers.first(":method")),
            Self::Path => headers.first(":path").map_or(Answer::No, |target| {
                let path = RequestPath::new(target, normalization);
                path.agreed(|path| Some(test(path))).map_or(Answer::Unsure, Answer::from)
            }),
            Self::Header(name) => header_answer(request, name, test),
            Self::Claim(path) => claim(request, path, Answer::Unsure, test),
            Self::Metadata(filter, name) => {
                metadata(request, filter, name, Answer::Unsure, |text, _| test(text))
            }
            Self::Port => of(port(request).as_deref()),
            Self::Sni => of(request.attributes.get(SNI).map(Vec::as_slice)),
        }
    }
}

/// A comparison of a set with an address.
pub(super) type Comparison = fn(&IpSet, IpAddr) -> bool;

impl AddressSubject {
    pub(super) fn add_needs(self, needs: &mut Needs) {
        let name = if self == Self::Destination { DESTINATION } else { SOURCE };
        needs.attributes.insert(name.to_owned());
    }

    /// Returns the answer of a test of the address; `Unsure` if it cannot be read, or if it is an
    /// IPv4-mapped IPv6 address that matches only as one of both.
    pub(super) fn answer(
        self,
        request: &Request,
        test: impl Fn(IpAddr, Comparison) -> bool,
    ) -> Answer {
        let name = if self == Self::Destination { DESTINATION } else { SOURCE };
        let text = request.attributes.get(name).and_then(|text| std::str::from_utf8(text).ok());
        match text.and_then(|text| text.parse::<SocketAddr>().ok()) {
            // An address from `x-forwarded-for` has no port, and hides that of the peer.
            Some(address) if self == Self::Peer && address.port() == 0 => Answer::Unsure,
            Some(address) => {
                let as_written = test(address.ip(), IpSet::contains_version);
                Answer::from(as_written).agreed(Answer::from(test(address.ip(), IpSet::contains)))
            }
            None => Answer::Unsure,
        }
    }
}

/// Returns the answer for the values of a header together, as Envoy joins them, and separately.
fn header_answer(request: &Request, name: &str, test: impl Fn(&[u8]) -> bool) -> Answer {
    let values = request.headers.iter().filter(|(found, _)| *found == name.as_bytes());
    let values: Vec<&[u8]> = values.map(|(_, value)| value).collect();
    let joined = match values.as_slice() {
        [] => return Answer::No,
        [one] => return Answer::from(test(one)),
        several => several.join(&b","[..]),
    };
    let separate = values.into_iter().map(|value| Answer::from(test(value)));
    separate.fold(Answer::from(test(&joined)), Answer::agreed)
}

/// Returns the answer for a part of the identity; `No` if it is not a SPIFFE identity.
///
/// Istio searches a namespace anywhere in the path, so a path with two can be read in two ways.
fn identity_answer(request: &Request, part: Part, test: impl Fn(&[u8]) -> bool) -> Answer {
    let principal = request.source_principal.as_deref();
    let Some(identity) = principal.and_then(|text| text.strip_prefix(b"spiffe://")) else {
        return Answer::No;
    };
    let segments = || identity.split(|byte| *byte == b'/');
    match part {
        Part::Whole => Answer::from(test(identity)),
        Part::TrustDomain => Answer::from(segments().next().is_some_and(&test)),
        Part::Namespace => {
            let after = segments().skip(1).zip(segments().skip(2));
            let namespaces = after.filter(|(name, _)| *name == b"ns");
            let answers = namespaces.map(|(_, namespace)| Answer::from(test(namespace)));
            answers.reduce(Answer::agreed).unwrap_or(Answer::No)
        }
    }
}

/// Returns the answer for the issuer and the subject of the verified token; `test` compares each
/// part, or the whole.
///
/// Istio splits a value at its last slash, so a subject with a slash can be read in two ways.
pub(super) fn request_principal(
    request: &Request,
    test: impl Fn(&str, &str, bool) -> bool,
) -> Answer {
    let Some((issuer, subject)) = principal(request) else { return Answer::No };
    let answer = Answer::from(test(issuer, subject, false));
    if issuer.is_empty() || subject.is_empty() {
        answer.agreed(Answer::No)
    } else if subject.contains('/') {
        answer.agreed(Answer::from(test(issuer, subject, true)))
    } else {
        answer
    }
}

/// Returns `true` for a claim whose text Istio reads as a list, separated by spaces.
fn is_list(path: &ClaimPath) -> bool {
    matches!(path.names(), [name] if LISTS.contains(&name.as_str()))
}

/// Returns the issuer and the subject of the verified token, joined by a slash.
pub(super) fn principal_text(request: &Request) -> Option<String> {
    principal(request).map(|(issuer, subject)| format!("{issuer}/{subject}"))
}

/// Returns the claims of the verified token, with their types where rules read them.
pub(super) fn claims(request: &Request) -> Option<&Value> {
    request.typed_claims.as_ref().or(request.claims.as_ref())
}

fn principal(request: &Request) -> Option<(&str, &str)> {
    let text = |name: &str| claims(request)?.get(name)?.as_str();
    Some((text("iss")?, text("sub")?))
}

/// Returns the answer for a claim; `scalar` is that for a number or boolean whose JSON text matches,
/// which Istio does not compare with texts.
pub(super) fn claim(
    request: &Request,
    path: &ClaimPath,
    scalar: Answer,
    test: impl Fn(&[u8]) -> bool,
) -> Answer {
    match claims(request).and_then(|claims| path.find(claims)) {
        Some(Value::String(text)) if is_list(path) => {
            let mut elements = text.split(' ').filter(|element| !element.is_empty());
            Answer::from(elements.any(|element| test(element.as_bytes())))
        }
        Some(claim) => claim_answer(claim, scalar, &test),
        None => Answer::No,
    }
}

/// Returns the answer for a member of the dynamic metadata of a filter. `test` gets a text, and
/// `true` if it is an element of a list; `scalar` is as for [`claim`].
pub(super) fn metadata(
    request: &Request,
    filter: &str,
    name: &str,
    scalar: Answer,
    test: impl Fn(&[u8], bool) -> bool,
) -> Answer {
    let of = |value: &Value, is_element: bool| match value {
        Value::String(text) => Answer::from(test(text.as_bytes(), is_element)),
        value => scalar_answer(value, scalar, |text| test(text, is_element)),
    };
    match request.metadata.get(filter).and_then(|written| written.get(name)) {
        Some(Value::Array(elements)) => any(elements.iter().map(|element| of(element, true))),
        Some(value) => of(value, false),
        None => Answer::No,
    }
}

/// Returns the disjunction.
fn any(answers: impl Iterator<Item = Answer>) -> Answer {
    answers.fold(Answer::No, |any, answer| !((!any).and(!answer)))
}

/// Returns the answer for a claim: any element of a list may match.
fn claim_answer(claim: &Value, scalar: Answer, test: &impl Fn(&[u8]) -> bool) -> Answer {
    match claim {
        Value::String(text) => Answer::from(test(text.as_bytes())),
        Value::Array(elements) => {
            let answers = elements.iter().map(|element| match element {
                Value::Array(_) => Answer::No,
                element => claim_answer(element, scalar, test),
            });
            any(answers)
        }
        claim => scalar_answer(claim, scalar, test),
    }
}

/// Returns the answer for a number or boolean: `scalar` if its JSON text matches, and `Unsure` if the
/// number was rounded.
fn scalar_answer(value: &Value, scalar: Answer, test: impl Fn(&[u8]) -> bool) -> Answer {
    match value {
        Value::Number(number)
            if number.is_f64()
                && number.as_f64().is_none_or(|double| double.abs() > MAX_SAFE_INTEGER) =>
        {
            Answer::Unsure
        }
        Value::Number(_) | Value::Bool(_) if test(value.to_string().as_bytes()) => scalar,
        _ => Answer::No,
    }
}

/// Returns the port of the destination as text.
fn port(request: &Request) -> Option<Cow<'_, [u8]>> {
    let bytes = request.attributes.get(PORT)?;
    let port = i64::from_le_bytes(bytes.as_slice().try_into().ok()?);
    Some(Cow::Owned(port.to_string().into_bytes()))
}
