//! Conditions on verified identities.

use std::{rc::Rc, time::Duration};

use super::{
    principal::{Principal, PrincipalPattern},
    when::When,
};
use crate::{
    denial::{Challenge, Failure, Rejection},
    provider::Provider,
    token::Claims,
};

/// The conditions of a rule; the default has none.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(super) scopes_all: Vec<Box<str>>,
    pub(super) scopes_any: Vec<Box<str>>,
    pub(super) principals: Vec<PrincipalPattern>,
    pub(super) not_principals: Vec<PrincipalPattern>,
    pub(super) when: Vec<When>,
    pub(super) step_up: Option<StepUp>,
    /// The required scopes for the challenge, separated by spaces.
    pub(super) scope: Option<Rc<str>>,
}

/// The required strength and age of a login.
#[derive(Debug)]
pub(super) struct StepUp {
    pub(super) acr_values: Vec<Box<str>>,
    pub(super) max_age: Option<Duration>,
}

impl Conditions {
    /// Checks a verified identity; needed even after a cache hit.
    pub(crate) fn check(
        &self,
        claims: &Claims,
        provider: &Provider,
        now: Duration,
    ) -> Result<(), Failure> {
        if !self.has_scopes(claims, provider) {
            let challenge = Challenge { scope: self.scope.clone(), ..Challenge::default() };
            return Err(failure(Rejection::SCOPE, challenge));
        }
        let failed = self.when.iter().find(|when| !when.is_met(claims, provider));
        if !self.has_principal(claims) || failed.is_some() {
            let claim = failed.and_then(When::claim_name);
            let challenge = Challenge { claim, ..Challenge::default() };
            return Err(failure(Rejection::CLAIM, challenge));
        }
        match &self.step_up {
            Some(step_up) if !step_up.is_met(claims, provider, now) => {
                Err(failure(Rejection::STEP_UP, step_up.challenge()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Returns `true` if the rule has no conditions.
    pub(crate) const fn is_empty(&self) -> bool {
        self.scope.is_none()
            && self.principals.is_empty()
            && self.not_principals.is_empty()
            && self.when.is_empty()
            && self.step_up.is_none()
    }

    fn has_principal(&self, claims: &Claims) -> bool {
        if self.principals.is_empty() && self.not_principals.is_empty() {
            return true;
        }
        let principal = Principal::of(claims);
        let is_listed = self.principals.iter().any(|pattern| pattern.matches(&principal));
        (is_listed || self.principals.is_empty())
            && !self.not_principals.iter().any(|pattern| pattern.may_match(&principal))
    }

    fn has_scopes(&self, claims: &Claims, provider: &Provider) -> bool {
        if self.scope.is_none() {
            return true;
        }
        let scopes = claims.scopes(&provider.scopes);
        let has_any = self.scopes_any.iter().any(|scope| scopes.contains(&&**scope));
        let has_all = self.scopes_all.iter().all(|scope| scopes.contains(&&**scope));
        has_all && (has_any || self.scopes_any.is_empty())
    }
}

fn failure(rejection: Rejection, challenge: Challenge) -> Failure {
    Failure { challenge: Box::new(challenge), ..rejection.into() }
}

impl StepUp {
    fn is_met(&self, claims: &Claims, provider: &Provider, now: Duration) -> bool {
        let acr = claims.text("acr");
        let is_strong =
            self.acr_values.is_empty() || self.acr_values.iter().any(|value| acr == Some(&**value));
        let is_recent = self.max_age.is_none_or(|max_age| {
            let login = claims.seconds("auth_time").map(Duration::from_secs);
            let latest = now.saturating_add(provider.skew());
            login.is_some_and(|login| {
                login <= latest
                    && now.saturating_sub(login) <= max_age.saturating_add(provider.skew())
            })
        });
        is_strong && is_recent
    }

    fn challenge(&self) -> Challenge {
        let acr = (!self.acr_values.is_empty()).then(|| self.acr_values.join(" ").into());
        Challenge { acr_values: acr, max_age: self.max_age, ..Challenge::default() }
    }
}
