//! Decisions about requests.

use std::time::Duration;

use filter_core::{Match, Request};

use super::{
    Admission, Decision, Policy, RequestContext, Verdict, WaitPolicy, Worker,
    collect::PresentedToken, verify::Verified,
};
use crate::{
    config::TokenNeed,
    denial::{Denial, Failure, Reason, Rejection},
    metrics::Metric,
    rule::Rule,
};

impl Policy {
    /// Decides about a request that has the attributes and headers of [`Policy::needs`]; `now` is
    /// the time since 1970.
    ///
    /// The same arguments give the same verdict, apart from counters of the worker's cache.
    pub fn decide(
        &self,
        worker: &mut Worker,
        request: &Request,
        now: Duration,
        wait_policy: WaitPolicy,
    ) -> Decision {
        self.decide_at(worker, request, &|| now, wait_policy)
    }

    /// Like [`Policy::decide`], with a clock, which is read only for a request with a token.
    pub fn decide_at(
        &self,
        worker: &mut Worker,
        request: &Request,
        now: &dyn Fn() -> Duration,
        wait_policy: WaitPolicy,
    ) -> Decision {
        let is_dry_run = self.mode.is_dry_run();
        // A preflight needs no documents.
        let must_decide = is_dry_run || self.bypasses(&request.headers);
        let wait_policy = if must_decide { WaitPolicy::DecideNow } else { wait_policy };
        let mut counts = Vec::new();
        let context = RequestContext { worker, request, now, wait_policy, counts: &mut counts };
        let mut verdict = self.evaluate(context);
        match &mut verdict {
            Verdict::Allow(admission) => {
                counts.push(Metric::Allowed);
                if is_dry_run {
                    *admission = Admission::default();
                }
            }
            Verdict::Deny(denial) => denial.is_explained = self.is_explanation_requested(request),
            // The next decision about the request counts everything again.
            Verdict::Wait(_) => counts.clear(),
        }
        Decision { verdict, counts }
    }

    fn evaluate(&self, mut context: RequestContext<'_>) -> Verdict {
        let rule = match self.rule_for(context.request) {
            Ok(rule) => rule,
            Err(rejection) => return Verdict::Deny(rejection.into()),
        };
        match rule.need {
            TokenNeed::None => {
                context.counts.push(Metric::AllowedWithoutToken);
                Verdict::Allow(self.base_admission(&context.request.headers))
            }
            TokenNeed::ExtractOnly => Verdict::Allow(self.extract_unverified(rule, &mut context)),
            TokenNeed::AllowMissingOrFailed | TokenNeed::Optional | TokenNeed::Required => {
                match self.authenticate(rule, &mut context) {
                    Ok(admission) => Verdict::Allow(admission),
                    Err(failure) => self.verdict_on_failure(rule, failure, &mut context),
                }
            }
        }
    }

    /// Selects the rule for a request.
    ///
    /// Fails if a different reading of the request, by another server, selects another rule.
    pub(super) fn rule_for(&self, request: &Request) -> Result<&Rule, Rejection> {
        let first = match &self.matcher {
            None => Some(Match::Sure(0)),
            Some(matcher) => matcher.matches(request).next(),
        };
        match first {
            None => Err(Rejection::RULE_UNMATCHED),
            Some(Match::Unsure(_)) => Err(Rejection::RULE_UNSURE),
            Some(Match::Sure(rule)) => self.rules.get(rule).ok_or(Rejection::RULE_UNMATCHED),
        }
    }

    fn verdict_on_failure(
        &self,
        rule: &Rule,
        failure: Failure,
        context: &mut RequestContext<'_>,
    ) -> Verdict {
        if let Some(wait) = failure.wait() {
            return Verdict::Wait(wait);
        }
        if rule.need == TokenNeed::AllowMissingOrFailed {
            context.counts.push(Metric::AllowedWithFailedToken);
            return Verdict::Allow(self.base_admission(&context.request.headers));
        }
        Verdict::Deny(self.denial(rule, failure, context))
    }

    /// Verifies the tokens of a request and checks the conditions of its rule.
    fn authenticate(
        &self,
        rule: &Rule,
        context: &mut RequestContext<'_>,
    ) -> Result<Admission, Failure> {
        let tokens = self.collect(rule, &context.request.headers)?;
        if tokens.is_empty() {
            if rule.need == TokenNeed::Required {
                return Err(Rejection::MISSING.into());
            }
            context.counts.push(Metric::AllowedWithoutToken);
            return Ok(self.base_admission(&context.request.headers));
        }
        let mut checked = Vec::with_capacity(tokens.len());
        for presented in &tokens {
            match self.verify(rule, presented, context) {
                Err(failure) if failure.pending.is_none() => return Err(failure),
                // Another token may still be refused.
                outcome => checked.push(CheckedToken { outcome, presented }),
            }
        }
        let checked = in_order(rule, checked)?;
        check_pending(rule, &checked, context)?;
        check_conditions(rule, &checked, context)?;
        Ok(self.admission_for(rule, &checked, context))
    }

    /// Returns the changes for verified tokens: the identity of the first one and its outputs; with
    /// `providers.all`, the outputs of each.
    ///
    /// Tokens that could not be checked stay in the request and have no outputs.
    fn admission_for(
        &self,
        rule: &Rule,
        checked: &[CheckedToken<'_, '_>],
        context: &mut RequestContext<'_>,
    ) -> Admission {
        let mut admission = self.base_admission(&context.request.headers);
        let verified = || checked.iter().filter_map(|c| Some((c.verified()?, c.presented)));
        let removed = verified().filter(|(verified, _)| !verified.provider.forward);
        let locations = removed.flat_map(|(_, presented)| presented.locations.iter().copied());
        admission.remove_tokens(locations, &context.request.headers);
        let first = checked.first().and_then(CheckedToken::verified);
        admission.identity = first.and_then(|verified| verified.outputs.identity.clone());
        let with_outputs = checked.iter().take(rule.all.len().max(1));
        for verified in with_outputs.filter_map(CheckedToken::verified) {
            admission.set_headers(&verified.outputs.headers, context.counts);
        }
        admission
    }

    /// Returns the changes for an unverified token: its outputs, marked as unverified.
    fn extract_unverified(&self, rule: &Rule, context: &mut RequestContext<'_>) -> Admission {
        let mut admission = self.base_admission(&context.request.headers);
        let tokens = self.collect(rule, &context.request.headers).unwrap_or_default();
        let Some(presented) = tokens.first() else {
            context.counts.push(Metric::AllowedWithoutToken);
            return admission;
        };
        match self.read_unverified(presented) {
            Some(unverified) => {
                admission.set_headers(&unverified.outputs.headers, context.counts);
                admission.mark_unverified();
            }
            None => context.counts.push(Metric::AllowedWithFailedToken),
        }
        admission
    }

    fn denial(&self, rule: &Rule, failure: Failure, context: &RequestContext<'_>) -> Denial {
        Denial {
            retry_after: self.retry_after(&failure, context),
            rejection: failure.rejection,
            rule: rule.name.clone(),
            provider: failure.provider.and_then(|index| self.provider_name(index)),
            challenge: *failure.challenge,
            is_explained: false,
        }
    }

    /// Returns the time until the next fetch of the missing document.
    fn retry_after(&self, failure: &Failure, context: &RequestContext<'_>) -> Duration {
        let provider = failure.provider.and_then(|index| self.providers.get(index));
        let reason = failure.rejection.reason();
        let source = provider.and_then(|provider| {
            if reason == Reason::KeysUnavailable {
                provider.keys.source()
            } else if reason == Reason::RevocationUnavailable {
                provider.deny_list.map(|list| list.source)
            } else {
                None
            }
        });
        let source = source.and_then(|index| context.worker.sources.get(index));
        source.map_or(Duration::ZERO, |source| source.next_attempt(context.now()))
    }
}

/// A token that is verified or cannot be checked yet.
struct CheckedToken<'p, 't> {
    outcome: Result<Verified<'p>, Failure>,
    presented: &'t PresentedToken<'t>,
}

impl<'p> CheckedToken<'p, '_> {
    const fn verified(&self) -> Option<&Verified<'p>> {
        match &self.outcome {
            Ok(verified) => Some(verified),
            Err(_) => None,
        }
    }

    /// Returns the index of the token's provider.
    const fn provider(&self) -> Option<usize> {
        match &self.outcome {
            Ok(verified) => Some(verified.index),
            Err(failure) => failure.provider,
        }
    }
}

/// Sorts the tokens in the order of `providers.all`; fails if one is missing.
fn in_order<'p, 't>(
    rule: &Rule,
    mut checked: Vec<CheckedToken<'p, 't>>,
) -> Result<Vec<CheckedToken<'p, 't>>, Failure> {
    let mut ordered = Vec::with_capacity(checked.len());
    for provider in &rule.all {
        let before = ordered.len();
        ordered.extend(checked.extract_if(.., |token| token.provider() == Some(*provider)));
        if ordered.len() == before {
            return Err(Failure { provider: Some(*provider), ..Rejection::MISSING.into() });
        }
    }
    ordered.append(&mut checked);
    Ok(ordered)
}

/// Fails if a token cannot be checked yet, unless `coldStart: ALLOW` waives it and the rule has no
/// conditions.
fn check_pending(
    rule: &Rule,
    checked: &[CheckedToken<'_, '_>],
    context: &mut RequestContext<'_>,
) -> Result<(), Failure> {
    let pending = || checked.iter().filter_map(|token| token.outcome.as_ref().err());
    let waiting = pending().find(|failure| failure.wait().is_some());
    let not_waived = pending().find(|_| !rule.conditions.is_empty());
    if let Some(failure) = waiting.or(not_waived) {
        return Err(failure.clone());
    }
    if pending().next().is_some() {
        context.counts.push(Metric::AllowedColdStart);
    }
    Ok(())
}

/// Checks the rule's conditions against the first token, if it is verified.
fn check_conditions(
    rule: &Rule,
    checked: &[CheckedToken<'_, '_>],
    context: &RequestContext<'_>,
) -> Result<(), Failure> {
    let Some(first) = checked.first().and_then(CheckedToken::verified) else { return Ok(()) };
    let result = rule.conditions.check(first.token.claims(), first.provider, context.now());
    result.map_err(|failure| Failure { provider: Some(first.index), ..failure })
}
