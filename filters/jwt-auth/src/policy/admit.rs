//! What an admitted request is changed into.

use std::{collections::BTreeMap, rc::Rc};

use filter_core::{HeaderName, Headers};
use serde::Serialize;

use super::{Admission, Policy};
use crate::{
    cache::Yield,
    config::Publish,
    locations::{self, Location},
    metrics::Metric,
    outputs::Written,
    provider::Provider,
    rule::Place,
    token::{Claims, Token},
};

/// A longer identity is published without its claims.
const MAX_PUBLISHED_BYTES: usize = 32 * 1024;

/// Envoy's mark on claims that nobody verified.
pub(super) const VERIFIED: HeaderName = HeaderName::from_static("x-jwt-signature-verified");

/// The header that lists headers for the next hop only.
pub(super) const CONNECTION: HeaderName = HeaderName::from_static("connection");

/// The property `weir.jwt`.
#[derive(Serialize)]
struct Identity<'a> {
    v: u8,
    provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    aud: Vec<&'a str>,
    scopes: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
}

impl Policy {
    /// Strips what only a verified token may put into the request.
    pub(super) fn admit_without_identity(&self, headers: &Headers) -> Admission {
        let mut admission = Admission { strip: Rc::clone(&self.strip), ..Admission::default() };
        admission.keep_hop_by_hop(headers);
        admission
    }

    /// Makes what a verified token yields, for every request that it will come with.
    pub(super) fn make_yield(&self, provider: &Provider, token: &Token, compact: &[u8]) -> Yield {
        let identity = self.published(provider, token.claims()).map(Rc::from);
        Yield { written: provider.outputs.write(token, compact), identity }
    }

    /// Writes the property, as far as `publish` says.
    fn published(&self, provider: &Provider, claims: &Claims) -> Option<Vec<u8>> {
        if self.publish == Publish::None {
            return None;
        }
        let identity = Identity {
            v: 1,
            provider: &provider.name,
            principal: claims.principal(),
            iss: claims.text("iss"),
            sub: claims.text("sub"),
            aud: claims.audiences().collect(),
            scopes: claims.scopes(&provider.scopes),
            exp: claims.times().expires,
        };
        let identity = serde_json::to_vec(&identity).ok()?;
        let whole = (self.publish == Publish::Claims).then(|| with_claims(&identity, claims));
        whole.filter(|whole| whole.len() <= MAX_PUBLISHED_BYTES).or(Some(identity))
    }
}

impl Admission {
    /// Writes the headers that a token yields.
    pub(super) fn write(&mut self, written: &Written, counts: &mut Vec<Metric>) {
        for (name, value) in &written.headers {
            self.edits.set.push((name.clone(), value.clone()));
        }
        counts.extend(std::iter::repeat_n(Metric::OutputsSkipped, written.skipped));
    }

    /// Says that nobody verified what the headers say, as Envoy does.
    pub(super) fn mark_unverified(&mut self) {
        self.edits.set.push((VERIFIED, b"false".to_vec()));
    }

    /// Removes the names of the policy's own headers from `connection`, which would make the next
    /// proxy drop them (RFC 9110 section 7.6.1).
    fn keep_hop_by_hop(&mut self, headers: &Headers) {
        let names = || {
            let values = headers.iter().filter(|(name, _)| *name == CONNECTION.as_bytes());
            values.flat_map(|(_, value)| value.split(|b| *b == b',')).map(<[u8]>::trim_ascii)
        };
        let is_ours = |named: &[u8]| {
            self.strip.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(named))
        };
        if !names().any(is_ours) {
            return;
        }
        let kept: Vec<&[u8]> = names().filter(|named| !is_ours(named)).collect();
        self.edits.remove.push(CONNECTION);
        if !kept.is_empty() {
            self.edits.add.push((CONNECTION, kept.join(&b", "[..])));
        }
    }

    /// Takes tokens out of every place where they were found.
    pub(super) fn remove<'a>(
        &mut self,
        places: impl Iterator<Item = &'a Place>,
        headers: &Headers,
    ) {
        let (mut parameters, mut cookies) = (Vec::new(), Vec::new());
        let mut prefixes: BTreeMap<&HeaderName, Vec<&str>> = BTreeMap::new();
        for place in places {
            match &place.location {
                Location::Header { name, prefix } => {
                    prefixes.entry(name).or_default().push(prefix);
                }
                Location::Parameter(name) => parameters.push(&**name),
                Location::Cookie { name, .. } => cookies.push(&**name),
            }
        }
        for (name, prefixes) in prefixes {
            self.edits.remove.push(name.clone());
            let rest = locations::without_tokens(headers, name.as_str(), &prefixes);
            self.edits.add.extend(rest.map(|rest| (name.clone(), rest)));
        }
        if !parameters.is_empty() {
            let path = locations::path(headers);
            self.path = Some(locations::without_parameters(path, &parameters));
        }
        if !cookies.is_empty() {
            self.edits.remove.push(HeaderName::COOKIE);
            let rest = locations::without_cookies(headers, &cookies);
            self.edits.add.extend(rest.map(|rest| (HeaderName::COOKIE, rest)));
        }
    }
}

/// Puts the payload, as the issuer wrote it, behind the other members.
fn with_claims(identity: &[u8], claims: &Claims) -> Vec<u8> {
    let members = identity.strip_suffix(b"}").unwrap_or(identity);
    [members, b",\"claims\":", claims.document().as_bytes(), b"}"].concat()
}
