//! One entry of `jwtRules`, ready to verify tokens.

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

/// Who may issue tokens, and how they are verified.
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
    /// Claims that hold several values in one text.
    pub(crate) spaced: Vec<ClaimPath>,
    /// Claims that hold scopes.
    pub(crate) scopes: Vec<ClaimPath>,
    times: Times,
    pub(crate) keys: Keys,
    binding: CertificateBinding,
    /// The deny list that is fetched.
    pub(crate) deny_list: Option<DenyList>,
    /// The `jti` of tokens that are refused; absent if none is asked for.
    revoked: Option<HashSet<Box<str>>>,
}

/// Where a provider's keys are.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    /// In the document.
    Inline(Rc<KeySet>),
    /// With the source of this index.
    Remote(usize),
}

impl Keys {
    /// Returns the index of the source that they are fetched from.
    pub(crate) const fn source(&self) -> Option<usize> {
        match self {
            Self::Inline(_) => None,
            Self::Remote(index) => Some(*index),
        }
    }
}

/// A deny list that is fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenyList {
    /// The index of its source.
    pub(crate) source: usize,
    pub(crate) on_unavailable: OnUnavailable,
}

/// Which `iss` a provider serves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Issuer {
    /// Any, or none.
    Any,
    /// Exactly this one.
    Exact(Box<str>),
    /// Any that fulfils a condition.
    Matching(StringMatch),
}

/// What a provider asks of a token's times.
#[derive(Clone, Copy, Debug)]
struct Times {
    skew: Duration,
    require_expiration: bool,
    max_lifetime: Option<Duration>,
    max_age: Option<Duration>,
}

/// Says whether a token is within its times only thanks to `clockSkew`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Skew {
    Unused,
    Used,
}

impl Issuer {
    /// Orders providers: the more exactly one names its issuer, the earlier it is asked.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Exact(_) => 0,
            Self::Matching(_) => 1,
            Self::Any => 2,
        }
    }

    /// Says whether a token of this `iss` is the provider's.
    pub(crate) fn serves(&self, issuer: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => issuer == Some(&**exact),
            Self::Matching(condition) => condition.matches(issuer.map(str::as_bytes)),
        }
    }
}

impl Provider {
    /// Returns how far clocks may differ.
    pub(crate) const fn skew(&self) -> Duration {
        self.times.skew
    }

    /// Checks everything that needs no key; done again on every cache hit.
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
        let named = self.subjects.iter().any(|condition| condition.matches(subject));
        if !named && !self.subjects.is_empty() {
            return Err(Rejection::SUBJECT);
        }
        self.times.check_lifetime(token, now)?;
        Ok(skew)
    }

    /// Checks what may change while the signature stays good; done again on every cache hit.
    pub(crate) fn check_use(
        &self,
        token: &Token,
        peer_digest: Option<&[u8]>,
    ) -> Result<(), Rejection> {
        let claims = token.claims();
        binding::check(self.binding, claims, peer_digest)?;
        let Some(revoked) = &self.revoked else { return Ok(()) };
        let known = claims.text("jti").is_some_and(|id| !revoked.contains(id));
        if known { Ok(()) } else { Err(Rejection::REVOKED) }
    }

    /// Says whether the peer's certificate is looked at.
    pub(crate) fn reads_certificate(&self) -> bool {
        self.binding != CertificateBinding::Ignore
    }

    fn check_type(&self, token: &Token) -> Result<(), Rejection> {
        if self.token_types.is_empty() {
            return Ok(());
        }
        let found = token.header().token_type.as_deref().map(without_application);
        let allowed = |found: &str| self.token_types.iter().any(|t| t.eq_ignore_ascii_case(found));
        if found.is_some_and(allowed) { Ok(()) } else { Err(Rejection::WRONG_TYPE) }
    }
}

/// Drops the prefix that RFC 7515 section 4.1.9 lets a sender leave out.
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
        if self.max_lifetime.is_some_and(|most| left > most) {
            return Err(Rejection::LIFETIME);
        }
        let Some(oldest) = self.max_age else { return Ok(()) };
        let issued = times.issued.map(Duration::from_secs).ok_or(Rejection::LIFETIME)?;
        let too_old = now.saturating_sub(issued) > oldest.saturating_add(self.skew);
        let in_future = issued > now.saturating_add(self.skew);
        if too_old || in_future { Err(Rejection::LIFETIME) } else { Ok(()) }
    }
}
