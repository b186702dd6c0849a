//! Providers: compiled entries of `jwtRules`.

use std::{collections::HashSet, rc::Rc, time::Duration};

use filter_core::{ClaimPath, StringMatch};

use crate::{
    algorithm::Algorithms,
    config::{CertificateBinding, OnUnavailable},
    denial::Rejection,
    key_set::KeySet,
    locations::Location,
    outputs::Outputs,
    token::{Padding, Token},
};

mod audience;
mod binding;
mod compile;
mod signature;

pub(crate) use audience::Audiences;
pub(crate) use binding::PEER_DIGEST;
pub(crate) use compile::CompileState;
pub(crate) use signature::{Budget, Signature, check_signature};

/// A compiled entry of `jwtRules`.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: Rc<str>,
    pub(crate) issuer: Issuer,
    pub(crate) locations: Vec<Location>,
    pub(crate) padding: Padding,
    pub(crate) forward: bool,
    pub(crate) outputs: Outputs,
    audiences: Option<Audiences>,
    algorithms: Algorithms,
    token_types: Vec<Box<str>>,
    subjects: Vec<StringMatch>,
    /// Claims with several values in one string, separated by spaces.
    pub(crate) space_delimited: Vec<ClaimPath>,
    /// Claims with scopes.
    pub(crate) scopes: Vec<ClaimPath>,
    times: Times,
    pub(crate) keys: Keys,
    binding: CertificateBinding,
    /// The fetched deny list.
    pub(crate) deny_list: Option<DenyList>,
    /// The `jti` of revoked tokens; `None` if not configured.
    revoked: Option<HashSet<Box<str>>>,
}

/// The keys of a provider.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    /// Configured keys.
    Inline(Rc<KeySet>),
    /// Fetched keys, by the index of their source.
    Remote(usize),
}

impl Keys {
    /// Returns the index of the source; `None` for configured keys.
    pub(crate) const fn source(&self) -> Option<usize> {
        match self {
            Self::Inline(_) => None,
            Self::Remote(index) => Some(*index),
        }
    }
}

/// A fetched deny list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenyList {
    /// The index of the source.
    pub(crate) source: usize,
    pub(crate) on_unavailable: OnUnavailable,
}

/// The `iss` that a provider serves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Issuer {
    /// Any issuer, or none.
    Any,
    /// This issuer.
    Exact(Box<str>),
    /// Issuers that meet a condition.
    Matching(StringMatch),
}

/// The requirements for a token's times.
#[derive(Clone, Copy, Debug)]
struct Times {
    skew: Duration,
    require_expiration: bool,
    max_lifetime: Option<Duration>,
    max_age: Option<Duration>,
}

/// Whether a token is only valid because of `clockSkew`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Skew {
    Unused,
    Used,
}

impl Issuer {
    /// Returns the order of providers: exact issuers, conditions, any issuer.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Exact(_) => 0,
            Self::Matching(_) => 1,
            Self::Any => 2,
        }
    }

    /// Returns `true` if tokens with this `iss` are served.
    pub(crate) fn serves(&self, issuer: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => issuer == Some(&**exact),
            Self::Matching(condition) => condition.matches(issuer.map(str::as_bytes)),
        }
    }
}

impl Provider {
    /// Returns the allowed clock skew.
    pub(crate) const fn skew(&self) -> Duration {
        self.times.skew
    }

    /// Checks type, algorithm and claims, which need no key; needed even after a cache hit.
    pub(crate) fn check_claims(
        &self,
        token: &Token,
        audiences: Option<&Audiences>,
        now: Duration,
    ) -> Result<Skew, Rejection> {
        self.check_type(token)?;
        if !self.algorithms.contains(token.header().algorithm) {
            return Err(Rejection::UNSUPPORTED_ALGORITHM);
        }
        let skew = self.times.check_window(token, now)?;
        let audiences = audiences.or(self.audiences.as_ref());
        if audiences.is_some_and(|allowed| !allowed.allow(token.claims())) {
            return Err(Rejection::AUDIENCE);
        }
        let subject = token.claims().text("sub").map(str::as_bytes);
        let is_allowed = self.subjects.iter().any(|condition| condition.matches(subject));
        if !is_allowed && !self.subjects.is_empty() {
            return Err(Rejection::SUBJECT);
        }
        self.times.check_lifetime(token, now)?;
        Ok(skew)
    }

    /// Checks certificate binding and revocation; needed even after a cache hit.
    pub(crate) fn check_use(
        &self,
        token: &Token,
        peer_digest: Option<&[u8]>,
    ) -> Result<(), Rejection> {
        let claims = token.claims();
        binding::check(self.binding, claims, peer_digest)?;
        let Some(revoked) = &self.revoked else { return Ok(()) };
        let is_valid = claims.text("jti").is_some_and(|id| !revoked.contains(id));
        if is_valid { Ok(()) } else { Err(Rejection::REVOKED) }
    }

    /// Returns `true` if the peer's certificate is needed.
    pub(crate) fn reads_certificate(&self) -> bool {
        self.binding != CertificateBinding::Ignore
    }

    fn check_type(&self, token: &Token) -> Result<(), Rejection> {
        if self.token_types.is_empty() {
            return Ok(());
        }
        let found = token.header().token_type.as_deref().map(without_application);
        let is_allowed =
            |found: &str| self.token_types.iter().any(|t| t.eq_ignore_ascii_case(found));
        if found.is_some_and(is_allowed) { Ok(()) } else { Err(Rejection::WRONG_TYPE) }
    }
}

/// Strips the prefix `application/`, which is optional (RFC 7515 section 4.1.9).
pub(crate) fn without_application(media_type: &str) -> &str {
    const PREFIX: &str = "application/";
    match media_type.split_at_checked(PREFIX.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(PREFIX) => rest,
        _ => media_type,
    }
}

impl Times {
    fn check_window(&self, token: &Token, now: Duration) -> Result<Skew, Rejection> {
        let times = token.claims().times();
        let begins = times.not_before.map_or(Duration::ZERO, Duration::from_secs);
        if begins > now.saturating_add(self.skew) {
            return Err(Rejection::NOT_YET_VALID);
        }
        let ends = times.expires.map_or(Duration::MAX, Duration::from_secs);
        if now >= ends.saturating_add(self.skew) {
            return Err(Rejection::EXPIRED);
        }
        Ok(if begins > now || now >= ends { Skew::Used } else { Skew::Unused })
    }

    fn check_lifetime(&self, token: &Token, now: Duration) -> Result<(), Rejection> {
        let times = token.claims().times();
        let ends = times.expires.map(Duration::from_secs);
        if ends.is_none() && (self.require_expiration || self.max_lifetime.is_some()) {
            return Err(Rejection::LIFETIME);
        }
        let left = ends.map_or(Duration::ZERO, |ends| ends.saturating_sub(now));
        if self.max_lifetime.is_some_and(|max| left > max) {
            return Err(Rejection::LIFETIME);
        }
        let Some(max_age) = self.max_age else { return Ok(()) };
        let issued = times.issued.map(Duration::from_secs).ok_or(Rejection::LIFETIME)?;
        let is_too_old = now.saturating_sub(issued) > max_age.saturating_add(self.skew);
        let is_in_future = issued > now.saturating_add(self.skew);
        if is_too_old || is_in_future { Err(Rejection::LIFETIME) } else { Ok(()) }
    }
}
