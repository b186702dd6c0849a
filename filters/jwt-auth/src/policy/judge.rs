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
                Ok(self.admit_without_identity(&asking.request.headers))
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
    /// A request is refused if the next hop may read it as one that another rule decides.
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
        if let Lack::Wait(wait) = failure.lack {
            return Err(Stop::Wait(wait));
        }
        if rule.need == TokenNeed::AllowMissingOrFailed {
            asking.counts.push(Metric::AllowedWithFailedToken);
            return Ok(self.admit_without_identity(&asking.request.headers));
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
            return Ok(self.admit_without_identity(&asking.request.headers));
        }
        let mut checked = Vec::with_capacity(tokens.len());
        for presented in &tokens {
            match self.verify(rule, presented, asking) {
                Err(failure) if failure.lack == Lack::Nothing => return Err(failure),
                // Another token may be bad, with any result for this one.
                outcome => checked.push(Checked { outcome, presented }),
            }
        }
        let checked = in_order(rule, checked)?;
        check_undecided(rule, &checked, asking)?;
        self.check_conditions(rule, &checked, asking)?;
        Ok(self.admit_with(rule, &checked, asking))
    }

    fn check_conditions(
        &self,
        rule: &Rule,
        checked: &[Checked<'_, '_>],
        asking: &Asking<'_>,
    ) -> Result<(), Failure> {
        let Some(identity) = checked.first().and_then(Checked::verified) else { return Ok(()) };
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
    ///
    /// A token that could not be checked stays where it is and yields nothing.
    fn admit_with(
        &self,
        rule: &Rule,
        checked: &[Checked<'_, '_>],
        asking: &mut Asking<'_>,
    ) -> Admission {
        let mut admission = self.admit_without_identity(&asking.request.headers);
        let verified = || checked.iter().filter_map(|c| Some((c.verified()?, c.presented)));
        let removed = verified().filter(|(verified, _)| !verified.provider.forward);
        let places = removed.flat_map(|(_, presented)| presented.places.iter().copied());
        admission.remove(places, &asking.request.headers);
        let identity = checked.first().and_then(Checked::verified);
        admission.identity = identity.and_then(|verified| verified.ready.identity.clone());
        let written = checked.iter().take(rule.all.len().max(1)).filter_map(Checked::verified);
        for verified in written {
            admission.write(&verified.ready.written, asking.counts);
        }
        admission
    }

    /// Writes outputs from a token that nobody verified, and says so.
    fn extract(&self, rule: &Rule, asking: &mut Asking<'_>) -> Admission {
        let mut admission = self.admit_without_identity(&asking.request.headers);
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
            is_explained: false,
        }
    }
}

/// A token that is good or cannot be checked yet.
struct Checked<'p, 't> {
    outcome: Result<Verified<'p>, Failure>,
    presented: &'t Presented<'t>,
}

impl<'p> Checked<'p, '_> {
    const fn verified(&self) -> Option<&Verified<'p>> {
        match &self.outcome {
            Ok(verified) => Some(verified),
            Err(_) => None,
        }
    }

    /// Returns the provider of the token.
    const fn provider(&self) -> Option<usize> {
        match &self.outcome {
            Ok(verified) => Some(verified.index),
            Err(failure) => failure.provider,
        }
    }
}

/// Puts the tokens of `providers.all` in the order of the list; one that is missing refuses.
fn in_order<'p, 't>(
    rule: &Rule,
    mut checked: Vec<Checked<'p, 't>>,
) -> Result<Vec<Checked<'p, 't>>, Failure> {
    let mut ordered = Vec::with_capacity(checked.len());
    for wanted in &rule.all {
        let before = ordered.len();
        ordered.extend(checked.extract_if(.., |found| found.provider() == Some(*wanted)));
        if ordered.len() == before {
            return Err(Failure { provider: Some(*wanted), ..Fault::MISSING.into() });
        }
    }
    ordered.append(&mut checked);
    Ok(ordered)
}

/// Waits for a token that may be decided later, and waives one only if the rule requires nothing
/// but tokens.
fn check_undecided(
    rule: &Rule,
    checked: &[Checked<'_, '_>],
    asking: &mut Asking<'_>,
) -> Result<(), Failure> {
    let undecided = || checked.iter().filter_map(|found| found.outcome.as_ref().err());
    let waits = undecided().find(|failure| matches!(failure.lack, Lack::Wait(_)));
    let closed = undecided().find(|_| !rule.conditions.is_empty());
    if let Some(failure) = waits.or(closed) {
        return Err(failure.clone());
    }
    if undecided().next().is_some() {
        asking.counts.push(Metric::AllowedColdStart);
    }
    Ok(())
}
