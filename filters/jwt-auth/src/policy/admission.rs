//! Changes to admitted requests.

use std::{collections::BTreeMap, rc::Rc};

use filter_core::{HeaderName, Headers};
use serde::Serialize;

use super::{Admission, Policy};
use crate::{
    cache::VerifiedOutputs,
    config::Publish,
    locations::{self, Location},
    metrics::Metric,
    outputs::OutputHeaders,
    provider::Provider,
    rule::TokenLocation,
    token::{Claims, Token},
};

/// The maximum size of a published identity with claims; a larger one is published without them.
const MAX_PUBLISHED_BYTES: usize = 32 * 1024;

/// The header that marks the outputs of unverified tokens, as in Envoy.
pub(super) const SIGNATURE_VERIFIED: HeaderName =
    HeaderName::from_static("x-jwt-signature-verified");

/// The header that lists headers for the next hop only.
pub(super) const CONNECTION: HeaderName = HeaderName::from_static("connection");

/// The value of the property `weir.jwt`.
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
    /// Returns the changes to every admitted request: headers that only a verified token may write
    /// are removed.
    pub(super) fn base_admission(&self, headers: &Headers) -> Admission {
        let mut admission = Admission { strip: Rc::clone(&self.strip), ..Admission::default() };
        admission.remove_from_connection(headers);
        admission
    }

    /// Returns the outputs of a verified token, which are the same for every request.
    pub(super) fn verified_outputs(
        &self,
        provider: &Provider,
        token: &Token,
        compact: &[u8],
    ) -> VerifiedOutputs {
        let identity = self.published_identity(provider, token.claims()).map(Rc::from);
        VerifiedOutputs { headers: provider.outputs.headers(token, compact), identity }
    }

    /// Returns the identity in JSON, with as much as `publish` allows.
    fn published_identity(&self, provider: &Provider, claims: &Claims) -> Option<Vec<u8>> {
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
        let full = (self.publish == Publish::Claims).then(|| with_claims(&identity, claims));
        full.filter(|full| full.len() <= MAX_PUBLISHED_BYTES).or(Some(identity))
    }
}

impl Admission {
    /// Sets the output headers of a token.
    pub(super) fn set_headers(&mut self, headers: &OutputHeaders, counts: &mut Vec<Metric>) {
        for (name, value) in &headers.entries {
            self.edits.set.push((name.clone(), value.clone()));
        }
        counts.extend(std::iter::repeat_n(Metric::OutputsSkipped, headers.skipped));
    }

    /// Marks the output headers as unverified.
    pub(super) fn mark_unverified(&mut self) {
        self.edits.set.push((SIGNATURE_VERIFIED, b"false".to_vec()));
    }

    /// Removes the names of the policy's own headers from `connection`: the next proxy removes the
    /// headers that it lists (RFC 9110 section 7.6.1).
    fn remove_from_connection(&mut self, headers: &Headers) {
        let names = || {
            let values = headers.iter().filter(|(name, _)| *name == CONNECTION.as_bytes());
            values.flat_map(|(_, value)| value.split(|b| *b == b',')).map(<[u8]>::trim_ascii)
        };
        let is_owned = |named: &[u8]| {
            self.strip.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(named))
        };
        if !names().any(is_owned) {
            return;
        }
        let kept: Vec<&[u8]> = names().filter(|named| !is_owned(named)).collect();
        self.edits.remove.push(CONNECTION);
        if !kept.is_empty() {
            self.edits.add.push((CONNECTION, kept.join(&b", "[..])));
        }
    }

    /// Removes tokens from their locations.
    pub(super) fn remove_tokens<'a>(
        &mut self,
        token_locations: impl Iterator<Item = &'a TokenLocation>,
        headers: &Headers,
    ) {
        let (mut parameters, mut cookies) = (Vec::new(), Vec::new());
        let mut prefixes: BTreeMap<&HeaderName, Vec<&str>> = BTreeMap::new();
        for token_location in token_locations {
            match &token_location.location {
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

/// Appends the payload, as the issuer wrote it, to the members of the identity.
fn with_claims(identity: &[u8], claims: &Claims) -> Vec<u8> {
    let members = identity.strip_suffix(b"}").unwrap_or(identity);
    [members, b",\"claims\":", claims.document().as_bytes(), b"}"].concat()
}
