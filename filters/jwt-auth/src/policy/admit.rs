//! What an admitted request is changed into.

use filter_core::{HeaderEdits, HeaderName, Headers};
use serde::Serialize;

use super::{Admission, Policy, collect::Presented, verify::Verified};
use crate::{
    config::Publish,
    locations::{self, Location},
    metrics::Metric,
    token::Claims,
};

/// A longer identity is published without its claims.
const MAX_PUBLISHED_BYTES: usize = 32 * 1024;

/// Envoy's mark on claims that nobody verified.
pub(super) const VERIFIED: HeaderName = HeaderName::from_static("x-jwt-signature-verified");

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
    pub(super) fn admit_without_identity(&self) -> Admission {
        let edits = HeaderEdits { remove: self.strip.clone(), ..HeaderEdits::default() };
        Admission { edits, ..Admission::default() }
    }

    /// Writes the property, as far as `publish` says.
    pub(super) fn published(&self, verified: &Verified<'_>) -> Option<Vec<u8>> {
        let claims = verified.token.claims();
        let identity = Identity {
            v: 1,
            provider: &verified.provider.name,
            principal: claims.principal(),
            iss: claims.text("iss"),
            sub: claims.text("sub"),
            aud: claims.audiences().collect(),
            scopes: claims.scopes(&verified.provider.scopes),
            exp: claims.times().expires,
        };
        if self.publish == Publish::None {
            return None;
        }
        let identity = serde_json::to_vec(&identity).ok()?;
        let whole = (self.publish == Publish::Claims).then(|| with_claims(&identity, claims));
        whole.filter(|whole| whole.len() <= MAX_PUBLISHED_BYTES).or(Some(identity))
    }
}

impl Admission {
    /// Writes the headers that a token yields.
    pub(super) fn write(&mut self, token: &Verified<'_>, compact: &[u8], counts: &mut Vec<Metric>) {
        let written = token.provider.outputs.write(&token.token, compact);
        self.edits.add.extend(written.headers);
        counts.extend(std::iter::repeat_n(Metric::OutputsSkipped, written.skipped));
    }

    /// Says that nobody verified what the headers say, as Envoy does.
    pub(super) fn mark_unverified(&mut self) {
        self.edits.add.push((VERIFIED, b"false".to_vec()));
    }

    /// Takes a verified token out of every place where it was found.
    pub(super) fn remove(&mut self, presented: &Presented<'_>, headers: &Headers) {
        let (mut parameters, mut cookies) = (Vec::new(), Vec::new());
        for place in &presented.places {
            match &place.location {
                Location::Header { name, .. } => self.edits.remove.push(name.clone()),
                Location::Parameter(name) => parameters.push(&**name),
                Location::Cookie(name) => cookies.push(&**name),
            }
        }
        if !parameters.is_empty() {
            let path = self.path.as_deref().unwrap_or(locations::path(headers));
            self.path = Some(locations::without_parameters(path, &parameters));
        }
        if !cookies.is_empty() {
            self.remove_cookies(&cookies, headers);
        }
    }

    fn remove_cookies(&mut self, names: &[&str], headers: &Headers) {
        self.edits.remove.push(HeaderName::COOKIE);
        if let Some(rest) = locations::without_cookies(headers, names) {
            self.edits.add.push((HeaderName::COOKIE, rest));
        }
    }
}

/// Puts the payload, as the issuer wrote it, behind the other members.
fn with_claims(identity: &[u8], claims: &Claims) -> Vec<u8> {
    let members = identity.strip_suffix(b"}").unwrap_or(identity);
    [members, b",\"claims\":", claims.document().as_bytes(), b"}"].concat()
}
