//! The decision about one request.

use std::time::Duration;

use filter_core::Headers;

use super::{
    Admission, Policy, Worker,
    verify::{Failure, Verified},
};
use crate::{
    denial::{Challenge, Denial},
    metrics::Metric,
    rule::Rule,
};

impl Policy {
    pub(super) fn decide(
        &self,
        worker: &mut Worker,
        headers: &Headers,
        now: Duration,
        counts: &mut Vec<Metric>,
    ) -> Result<Admission, Denial> {
        let Some(rule) = self.rules.first() else {
            return Err(self.denial(None, crate::denial::Fault::RULE_UNMATCHED.into()));
        };
        self.apply(rule, worker, headers, now, counts)
            .map_err(|failure| self.denial(Some(rule), failure))
    }

    fn apply(
        &self,
        rule: &Rule,
        worker: &mut Worker,
        headers: &Headers,
        now: Duration,
        counts: &mut Vec<Metric>,
    ) -> Result<Admission, Failure> {
        let tokens = self.collect(rule, headers)?;
        let mut admission = self.admit_without_identity();
        let mut identity: Option<Verified<'_>> = None;
        for presented in &tokens {
            let verified = self.verify(worker, presented, now, counts)?;
            if !verified.provider.forward {
                admission.remove(presented, headers);
            }
            if identity.is_none() {
                self.hand_on(&mut admission, &verified, &presented.compact, counts);
                identity = Some(verified);
            }
        }
        counts.extend(identity.is_none().then_some(Metric::AllowedWithoutToken));
        Ok(admission)
    }

    fn denial(&self, rule: Option<&Rule>, failure: Failure) -> Denial {
        Denial {
            fault: failure.fault,
            rule: rule.and_then(|rule| rule.name.clone()),
            provider: failure.provider.and_then(|index| self.provider_name(index)),
            challenge: Challenge::default(),
        }
    }
}
