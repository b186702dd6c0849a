//! The decision about a request.

use std::{rc::Rc, time::SystemTime};

use filter_core::{Headers, Request};
use filter_host::{
    Result, clock,
    headers::{self, Map},
    published::{self, Fact, Readers},
    reply,
};

use super::{
    RateLimit,
    admission::{Admission, Verdict},
};
use crate::{Clocks, Denial, Inputs, LimitMetric, Metric, Plan, Usage};

/// The headers that decide about the format of a reply.
const FORMAT_HEADERS: [&str; 3] = [":method", "accept", "content-type"];

/// The outcome of a request.
pub(super) enum Outcome {
    /// No limit holds for the request, or the proxy failed.
    Passed,
    /// All limits admit the request.
    Admitted(Box<Admitted>),
    /// The request got a reply.
    Refused,
}

/// A request that all limits admit.
pub(super) struct Admitted {
    pub(super) admission: Admission,
    /// The value of the header that explains the decision.
    pub(super) explanation: Option<String>,
}

impl RateLimit {
    /// Decides about the current request, and refuses it if a limit does.
    pub(super) fn decide(&self) -> Outcome {
        if self.policy.is_idle() {
            return Outcome::Passed;
        }
        self.try_decide().unwrap_or_else(|error| {
            log::warn!("a host call failed: {error:?}");
            self.counters.count(Metric::Errors);
            Outcome::Passed
        })
    }

    fn try_decide(&self) -> Result<Outcome> {
        match self.verdict() {
            Ok((request, plan, verdict)) => self.apply(&request, &plan, verdict),
            Err(error) => match self.policy.unreadable() {
                Some(denial) => {
                    self.counters.count(Metric::Errors);
                    self.refuse_request(denial)
                }
                None => Err(error),
            },
        }
    }

    /// Reads the current request, and draws from its limits.
    fn verdict(&self) -> Result<(Request, Plan, Verdict)> {
        let request = self.reader.read()?;
        let uses_wall_clock = self.policy.uses_wall_clock();
        let now = if uses_wall_clock { clock::now()? } else { SystemTime::UNIX_EPOCH };
        let draw = self.generator.borrow_mut().millionths();
        let inputs = Inputs { secret: self.counts.secret, now, draw };
        let mut plan = self.policy.plan(&request, &inputs);
        if self.queue.len() >= self.policy.max_waiting() {
            plan.forbid_waits();
        }
        let verdict = match plan.denied_by {
            _ if plan.is_empty() => Verdict::Admitted(Admission::default()),
            Some(rule) => Verdict::Denied(Denial::never(rule)),
            None => {
                let wall = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                self.admit(&plan, Clocks { monotonic: clock::monotonic(), wall })?
            }
        };
        Ok((request, plan, verdict))
    }

    fn apply(&self, request: &Request, plan: &Plan, verdict: Verdict) -> Result<Outcome> {
        self.counters.add(Metric::MissingKey, plan.missing_keys);
        let admission = match verdict {
            Verdict::Denied(denial) => return self.refuse_request(denial),
            Verdict::Admitted(admission) => admission,
        };
        let explanation = self
            .policy
            .explains(request)
            .then(|| self.policy.explanation(request, plan, &admission.usages));
        if plan.is_empty() && explanation.is_none() {
            return Ok(Outcome::Passed);
        }
        self.count_admitted(&admission);
        Ok(Outcome::Admitted(Box::new(Admitted { admission, explanation })))
    }

    fn count_admitted(&self, admission: &Admission) {
        if admission.usages.is_empty() {
            return;
        }
        self.counters.count(Metric::Allowed);
        if admission.usages.iter().any(Usage::is_near_limit) {
            self.counters.count(Metric::NearLimit);
        }
        for usage in &admission.usages {
            self.counters.count_limit(usage.draw.limit, LimitMetric::Allowed);
        }
    }

    fn refuse_request(&self, denial: Denial) -> Result<Outcome> {
        self.counters.count(Metric::Denied);
        let summary = self.policy.summary(&denial);
        log::debug!("{summary}");
        if self.policy.is_dry_run() {
            self.counters.count(Metric::DryRun);
            return Ok(Outcome::Passed);
        }
        let format = FORMAT_HEADERS.iter().filter_map(|name| {
            let value = headers::value(Map::RequestHeaders, name).ok().flatten();
            value.map(|value| (*name, value))
        });
        let format: Headers = format.collect();
        let Some(reply) = self.policy.reply(&denial, &format) else { return Ok(Outcome::Passed) };
        let summary: Rc<[u8]> = Rc::from(summary.into_bytes());
        if published::publish(Fact::Limit, &summary, Readers::Everyone).is_err() {
            self.counters.count(Metric::Errors);
        }
        reply::try_send(&reply).map(|()| Outcome::Refused)
    }
}
