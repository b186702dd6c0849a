//! The decision about one request.

use std::time::Duration;

use filter_core::{Match, Request};

use super::{
    Admission, Policy, Wait,
    asking::Asking,
    collect::Presented,
    verify::{Failure, Lack, Verified},
};
use crate::{
    config::TokenNeed,
    denial::{Denial, Fault, Reason},
    metrics::Metric,
    rule::Rule,
};

/// Why a request is not admitted now.
pub(super) enum Stop {
    /// It is refused.
    Deny(Box<Denial>),
    /// It has to wait.
    Wait(Wait),
}

impl Policy {
    pub(super) fn decide(&self, mut asking: Asking<'_>) -> Result<Admission, Stop> {
        let request = asking.request;
        let rule = self.rule_for(request).map_err(|fault| Stop::Deny(Box::new(fault.into())))?;
        match rule.need {
            TokenNeed::None => {
                asking.counts.push(Metric::AllowedWithoutToken);
                Ok(self.admit_without_identity())
            }
            TokenNeed::ExtractOnly => Ok(self.extract(rule, &mut asking)),
            TokenNeed::AllowMissingOrFailed | TokenNeed::Optional | TokenNeed::Required => {
                let failure = match self.admit(rule, &mut asking) {
                    Ok(admission) => return Ok(admission),
                    Err(failure) => failure,
                };
                self.stop(rule, failure, &mut asking)
            }
        }
    }

    /// Chooses the rule that decides about a request.
    ///
    /// A request of which the next hop may make one that another rule decides is refused.
    pub(super) fn rule_for(&self, request: &Request) -> Result<&Rule, Fault> {
        let first = match &self.matcher {
            None => Some(Match::Sure(0)),
            Some(matcher) => matcher.matches(request).next(),
        };
        match first {
            None => Err(Fault::RULE_UNMATCHED),
            Some(Match::Unsure(_)) => Err(Fault::RULE_UNSURE),
            Some(Match::Sure(rule)) => self.rules.get(rule).ok_or(Fault::RULE_UNMATCHED),
        }
    }

    /// Says what becomes of a request whose token is not good.
    fn stop(
        &self,
        rule: &Rule,
        failure: Failure,
        asking: &mut Asking<'_>,
    ) -> Result<Admission, Stop> {
        match failure.lack {
            Lack::Wait(wait) => return Err(Stop::Wait(wait)),
            Lack::Cold if rule.conditions.is_empty() => {
                asking.counts.push(Metric::AllowedColdStart);
                return Ok(self.admit_without_identity());
            }
            Lack::Cold | Lack::Nothing => {}
        }
        if rule.need == TokenNeed::AllowMissingOrFailed {
            asking.counts.push(Metric::AllowedWithFailedToken);
            return Ok(self.admit_without_identity());
        }
        Err(Stop::Deny(Box::new(self.denial(rule, failure, asking))))
    }

    fn admit(&self, rule: &Rule, asking: &mut Asking<'_>) -> Result<Admission, Failure> {
        let tokens = self.collect(rule, &asking.request.headers)?;
        if tokens.is_empty() {
            if rule.need == TokenNeed::Required {
                return Err(Fault::MISSING.into());
            }
            asking.counts.push(Metric::AllowedWithoutToken);
            return Ok(self.admit_without_identity());
        }
        let mut verified = Vec::with_capacity(tokens.len());
        let mut unkeyed = None;
        for presented in &tokens {
            match self.verify(rule, presented, asking) {
                Ok(good) => verified.push((good, presented)),
                // Another token may be bad whatever the keys of this one will say.
                Err(failure) if failure.lack != Lack::Nothing => unkeyed = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        if let Some(failure) = unkeyed {
            return Err(failure);
        }
        let verified = in_order(rule, verified)?;
        self.check_conditions(rule, &verified, asking)?;
        Ok(self.admit_with(rule, &verified, asking))
    }

    fn check_conditions(
        &self,
        rule: &Rule,
        verified: &[(Verified<'_>, &Presented<'_>)],
        asking: &Asking<'_>,
    ) -> Result<(), Failure> {
        let Some((identity, _)) = verified.first() else { return Ok(()) };
        rule.conditions.check(identity.token.claims(), identity.provider, asking.now).map_err(
            |unmet| Failure {
                fault: unmet.fault,
                provider: Some(identity.index),
                challenge: Box::new(unmet.challenge),
                lack: Lack::Nothing,
            },
        )
    }

    /// Hands on the first token's identity; with `providers.all`, the outputs of each.
    fn admit_with(
        &self,
        rule: &Rule,
        verified: &[(Verified<'_>, &Presented<'_>)],
        asking: &mut Asking<'_>,
    ) -> Admission {
        let mut admission = self.admit_without_identity();
        let removed = verified.iter().filter(|(verified, _)| !verified.provider.forward);
        let places = removed.flat_map(|(_, presented)| presented.places.iter().copied());
        admission.remove(places, &asking.request.headers);
        let identity = verified.first().map(|(identity, _)| &identity.ready);
        admission.identity = identity.and_then(|ready| ready.identity.clone());
        for (verified, _) in verified.iter().take(rule.all.len().max(1)) {
            admission.write(&verified.ready.written, asking.counts);
        }
        admission
    }

    /// Writes outputs from a token that nobody verified, and says so.
    fn extract(&self, rule: &Rule, asking: &mut Asking<'_>) -> Admission {
        let mut admission = self.admit_without_identity();
        let tokens = self.collect(rule, &asking.request.headers).unwrap_or_default();
        let Some(presented) = tokens.first() else {
            asking.counts.push(Metric::AllowedWithoutToken);
            return admission;
        };
        match self.read_unverified(presented) {
            Some(unverified) => {
                admission.write(&unverified.ready.written, asking.counts);
                admission.mark_unverified();
            }
            None => asking.counts.push(Metric::AllowedWithFailedToken),
        }
        admission
    }

    /// Says when what a failure lacks is fetched next.
    fn retry_after(&self, failure: &Failure, asking: &Asking<'_>) -> Duration {
        let provider = failure.provider.and_then(|index| self.providers.get(index));
        let source = match (failure.fault.reason(), provider) {
            (Reason::KeysUnavailable, Some(provider)) => provider.keys.source(),
            (Reason::RevocationUnavailable, Some(provider)) => {
                provider.deny_list.map(|list| list.source)
            }
            _ => None,
        };
        let source = source.and_then(|index| asking.worker.sources.get(index));
        source.map_or(Duration::ZERO, |source| source.next_attempt(asking.now))
    }

    fn denial(&self, rule: &Rule, failure: Failure, asking: &Asking<'_>) -> Denial {
        Denial {
            retry_after: self.retry_after(&failure, asking),
            fault: failure.fault,
            rule: rule.name.clone(),
            provider: failure.provider.and_then(|index| self.provider_name(index)),
            challenge: *failure.challenge,
        }
    }
}

/// Puts the tokens of `providers.all` in the order of the list; one that is missing refuses.
fn in_order<'p, T>(
    rule: &Rule,
    mut verified: Vec<(Verified<'p>, T)>,
) -> Result<Vec<(Verified<'p>, T)>, Failure> {
    let place = |index: usize| rule.all.iter().position(|wanted| *wanted == index);
    let has = |wanted: &usize| verified.iter().any(|(found, _)| found.index == *wanted);
    if let Some(missing) = rule.all.iter().find(|wanted| !has(wanted)) {
        return Err(Failure { provider: Some(*missing), ..Fault::MISSING.into() });
    }
    if !rule.all.is_empty() {
        verified.sort_by_key(|(found, _)| place(found.index));
    }
    Ok(verified)
}
