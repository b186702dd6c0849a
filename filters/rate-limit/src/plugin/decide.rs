//! The decision about a request.

use std::{rc::Rc, time::SystemTime};

use filter_core::{HeaderName, Reply, ReplyFormat, Request};
use filter_host::{
    Result, clock,
    headers::{self, Map},
    published::{self, Fact, Readers},
    reply,
    stream::{self, ContextId},
};

use super::{
    RateLimit,
    admission::{Admission, Verdict},
    hold::Hold,
    service::Service,
    waiting::{DrawState, Waiting},
};
use crate::{
    Clocks, Denial, Inputs, LimitMetric, Metric, Plan, Usage, config::FailureMode, service::Answer,
};

/// The status of replies while the service does not answer.
const UNAVAILABLE: u16 = 503;

/// The outcome of a request.
pub(super) enum Outcome {
    /// The request passes, and nothing is left to do.
    Passed,
    /// All limits admit the request, which must be held, counted, charged or described.
    Admitted(Box<Admitted>),
    /// The request waits for the rate-limit service.
    Waiting(Rc<Hold>),
    /// The request got a reply.
    Refused,
}

/// An admitted request.
pub(super) struct Admitted {
    pub(super) admission: Admission,
    /// The value of the header that explains the decision.
    pub(super) explanation: Option<String>,
    /// Headers of the rate-limit service for the response.
    pub(super) response_headers: Vec<(HeaderName, Vec<u8>)>,
}

impl RateLimit {
    /// Decides about the current request of the stream `id`, and sends the reply if it is refused.
    pub(super) fn decide(&self, id: ContextId) -> Outcome {
        if self.policy.is_idle() {
            return Outcome::Passed;
        }
        self.or_unreadable(self.try_decide(id))
    }

    /// Passes a request if a host call failed, or refuses it if a limit must have a key.
    fn or_unreadable(&self, decided: Result<Outcome>) -> Outcome {
        decided
            .or_else(|error| {
                self.on_error(error);
                match self.policy.unreadable() {
                    Some(denial) => self.refuse_request(denial, Vec::new()),
                    None => Ok(Outcome::Passed),
                }
            })
            .unwrap_or_else(|error| {
                self.on_error(error);
                Outcome::Passed
            })
    }

    fn try_decide(&self, id: ContextId) -> Result<Outcome> {
        let request = self.reader.read()?;
        let now = self.now()?;
        let draw = self.generator.borrow_mut().millionths();
        let inputs = Inputs { secret: self.counts.secret, now, draw };
        let mut plan = self.policy.plan(&request, &inputs);
        self.counters.add(Metric::MissingKey, plan.missing_keys);
        self.counters.add(Metric::DryRun, plan.tolerated);
        if self.queue.len() >= self.policy.max_waiting() {
            plan.forbid_waits();
        }
        if let Some(rule) = plan.denied_by {
            return self.refuse_request(Denial::never(rule), Vec::new());
        }
        let clocks = clocks(now);
        match &self.service {
            Some(service) if !plan.global.is_empty() && !self.is_refused(&plan, clocks) => {
                let waiting = Rc::new(Waiting::new(id, request, plan));
                self.decide_with_service(service, &waiting)
            }
            _ => {
                let verdict = match plan.draws.is_empty() {
                    true => Verdict::Admitted(Admission::default()),
                    false => self.admit(&plan, clocks),
                };
                self.apply(&request, &plan, verdict, Vec::new())
            }
        }
    }

    /// Returns the wall clock; 1970 if nothing depends on it.
    fn now(&self) -> Result<SystemTime> {
        if self.policy.uses_wall_clock() { clock::now() } else { Ok(SystemTime::UNIX_EPOCH) }
    }

    /// Asks the service, and holds the request if there is no answer yet.
    fn decide_with_service(&self, service: &Service, waiting: &Rc<Waiting>) -> Result<Outcome> {
        // The answer to a call in the context of a stream would not reach the plugin.
        stream::enter(self.context)?;
        self.ask(service, waiting);
        stream::enter(waiting.id)?;
        if !waiting.is_settled() {
            let is_full = self.queue.len() >= self.policy.max_waiting();
            let timeout = service.spec().timeout;
            if !is_full && let Some(hold) = self.hold_for_service(waiting, timeout) {
                return Ok(Outcome::Waiting(hold));
            }
        }
        waiting.end();
        service.leave(waiting);
        self.finish(service, waiting)
    }

    /// Decides about a held request after the service has answered or the time is over.
    pub(super) fn finish_held(&self, service: &Service, waiting: &Waiting) -> Outcome {
        self.or_unreadable(self.finish(service, waiting))
    }

    /// Draws from the limits of the pod after the service has answered or the time is over.
    fn finish(&self, service: &Service, waiting: &Waiting) -> Result<Outcome> {
        let mut plan = waiting.plan.clone();
        let answers = waiting.take_answers();
        let mut denial = Denial::default();
        for (global, state) in waiting.draws() {
            let draw = global.draw;
            match state {
                DrawState::Refused(retry_after) => {
                    self.refuse(&draw, 0, retry_after, &mut denial);
                }
                DrawState::Admitted => self.counters.count_limit(draw.limit, LimitMetric::Allowed),
                DrawState::Pending | DrawState::Failed => match service.spec().failure_mode {
                    FailureMode::Local => plan.draws.push(draw),
                    FailureMode::Allow => {}
                    FailureMode::Deny if draw.is_enforced => denial.is_unavailable = true,
                    FailureMode::Deny => self.counters.count(Metric::DryRun),
                },
            }
        }
        if denial.is_refusal() {
            service.give_back(waiting);
            denial.sort();
            return self.refuse_request(denial, answers);
        }
        let verdict = self.admit(&plan, clocks(self.now()?));
        if matches!(verdict, Verdict::Denied(_)) {
            service.give_back(waiting);
        }
        self.apply(&waiting.request, &plan, verdict, answers)
    }

    /// Returns `true` if a rate of the pod refuses a request.
    fn is_refused(&self, plan: &Plan, clocks: Clocks) -> bool {
        let mut draws = plan.draws.iter().filter(|draw| draw.rate.is_some() && draw.is_enforced);
        draws.any(|draw| matches!(self.counts.attempt(draw, clocks), Ok(Err(_))))
    }

    fn apply(
        &self,
        request: &Request,
        plan: &Plan,
        verdict: Verdict,
        answers: Vec<Answer>,
    ) -> Result<Outcome> {
        let (admission, is_refused) = match verdict {
            Verdict::Denied(denial) if self.policy.is_dry_run() => {
                // Described as it would be without the dry run.
                let usages = denial.usages.iter().copied().collect();
                self.refuse_request(denial, Vec::new())?;
                (Admission { usages, ..Admission::default() }, true)
            }
            Verdict::Denied(denial) => return self.refuse_request(denial, answers),
            Verdict::Admitted(admission) => (admission, false),
        };
        let explanation = self
            .policy
            .explains(request)
            .then(|| self.policy.explanation(request, plan, &admission.usages));
        if plan.is_empty() && explanation.is_none() {
            return Ok(Outcome::Passed);
        }
        if !is_refused {
            self.count_admitted(&admission, plan);
        }
        let response_headers = self.forward(answers);
        let is_described = explanation.is_some() || self.policy.describes_admitted();
        if !admission.is_pending() && !is_described && response_headers.is_empty() {
            return Ok(Outcome::Passed);
        }
        Ok(Outcome::Admitted(Box::new(Admitted { admission, explanation, response_headers })))
    }

    /// Adds the headers of answers to the request. Returns those for the response.
    fn forward(&self, answers: Vec<Answer>) -> Vec<(HeaderName, Vec<u8>)> {
        let mut response_headers = Vec::new();
        for answer in answers {
            for (name, value) in &answer.request_headers {
                if headers::add(Map::RequestHeaders, name.as_str(), value).is_err() {
                    self.counters.count(Metric::Errors);
                }
            }
            response_headers.extend(answer.response_headers);
        }
        response_headers
    }

    fn count_admitted(&self, admission: &Admission, plan: &Plan) {
        if plan.is_empty() {
            return;
        }
        self.counters.count(Metric::Allowed);
        if admission.usages.iter().any(Usage::is_near_limit) {
            self.counters.count(Metric::NearLimit);
        }
        for usage in admission.usages.iter().filter(|usage| !usage.is_over) {
            self.counters.count_limit(usage.draw.limit, LimitMetric::Allowed);
        }
    }

    fn refuse_request(&self, denial: Denial, answers: Vec<Answer>) -> Result<Outcome> {
        self.counters.count(Metric::Denied);
        let summary = self.policy.summary(&denial);
        log::debug!("{summary}");
        if self.policy.is_dry_run() {
            self.counters.count(Metric::DryRun);
            return Ok(Outcome::Passed);
        }
        let format = reply::format_headers();
        let Some(mut reply) = self.policy.reply(&denial, &format) else {
            return Ok(Outcome::Passed);
        };
        add_answers(&mut reply, answers, ReplyFormat::of(&format).is_grpc());
        let summary: Rc<[u8]> = Rc::from(summary.into_bytes());
        if published::publish(Fact::Limit, &summary, Readers::Everyone).is_err() {
            self.counters.count(Metric::Errors);
        }
        reply::try_send(&reply).map(|()| Outcome::Refused)
    }
}

/// Adds the headers and the body of the service to a reply, in place of those of the filter.
fn add_answers(reply: &mut Reply, answers: Vec<Answer>, is_grpc: bool) {
    for answer in answers {
        if !answer.raw_body.is_empty() && reply.status != UNAVAILABLE {
            reply.headers.retain(|(name, _)| *name != HeaderName::CONTENT_TYPE);
            reply.body = answer.raw_body;
        }
        let mut added = answer.response_headers;
        // The content type is part of gRPC.
        added.retain(|(name, _)| !is_grpc || *name != HeaderName::CONTENT_TYPE);
        reply.headers.retain(|(name, _)| added.iter().all(|(other, _)| other != name));
        reply.headers.append(&mut added);
    }
}

/// Returns the readings of the clocks, of which one is `now`.
pub(super) fn clocks(now: SystemTime) -> Clocks {
    let wall = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Clocks { monotonic: clock::monotonic(), wall }
}
