//! Explanations of decisions.

use std::{fmt, rc::Rc, time::Duration};

use filter_core::{ConfigErrors, Headers, HttpMatch, Matcher, MatcherOptions, Request};

use super::{Policy, Verdict, WaitPolicy, Worker};
use crate::{
    denial::{Denial, EXPLAIN},
    locations::{Found, Location},
    rule::CLAIMS_IN_MATCH,
};

/// A human-readable explanation of a decision. It contains no part of a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// The name of the rule that decided; `None` if no rule matched or none is configured.
    pub rule: Option<Rc<str>>,
    /// `true` if rules are configured and none matched.
    pub is_unmatched: bool,
    /// The locations that the rule searches for tokens, and their contents.
    pub locations: Vec<(String, &'static str)>,
    /// The result.
    pub outcome: ExplainedOutcome,
}

/// The result of an explained decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ExplainedOutcome {
    /// The request is admitted.
    Admitted {
        /// The names of the headers that are set.
        headers: Vec<String>,
        /// `true` if the property `weir.jwt` is set.
        has_identity: bool,
    },
    /// The denial is not enforced, because of `dryRun` or for a CORS preflight.
    NotEnforced(Denial),
    /// The request is denied.
    Denied(Denial),
    /// The request waits for keys or for a deny list, at most this long.
    Waiting(Duration),
}

impl Policy {
    /// Explains [`Policy::decide`] for a request that may wait.
    pub fn explain(&self, worker: &mut Worker, request: &Request, now: Duration) -> Explanation {
        let rule = self.rule_for(request).ok();
        let locations = rule.map_or_else(Vec::new, |rule| {
            let describe =
                |location: &Location| (location.to_string(), content(location, &request.headers));
            rule.locations.iter().map(|entry| describe(&entry.location)).collect()
        });
        let outcome = match self.decide(worker, request, now, WaitPolicy::MayWait).verdict {
            Verdict::Allow(admission) => ExplainedOutcome::Admitted {
                headers: admission.edits.set.iter().map(|(name, _)| name.to_string()).collect(),
                has_identity: admission.identity.is_some(),
            },
            Verdict::Wait(wait) => ExplainedOutcome::Waiting(wait.max),
            Verdict::Deny(denial) => match self.respond(&denial, &request.headers).outcome {
                Err(_) => ExplainedOutcome::Denied(denial),
                Ok(_) => ExplainedOutcome::NotEnforced(denial),
            },
        };
        let is_unmatched = rule.is_none();
        let rule = rule.and_then(|rule| rule.name.clone());
        Explanation { rule, is_unmatched, locations, outcome }
    }

    /// Returns `true` if a client requested an explanation and is allowed to have it.
    pub(super) fn is_explanation_requested(&self, request: &Request) -> bool {
        let is_requested = request.headers.first(EXPLAIN) == Some(b"1");
        let matcher = self.explain.as_ref();
        is_requested && matcher.is_some_and(|matcher| matcher.sure_match(request).is_some())
    }
}

/// Compiles `explain`.
pub(super) fn compile(list: &[HttpMatch], errors: &mut ConfigErrors) -> Option<Matcher> {
    for (index, entry) in list.iter().enumerate() {
        if entry.reads_claims() {
            errors.add(format!("explain[{index}].claims"), CLAIMS_IN_MATCH);
        }
    }
    if list.is_empty() {
        return None;
    }
    let compiled = Matcher::compile_list(list, &MatcherOptions::guarding("explain"));
    compiled.map_err(|invalid| errors.extend(invalid)).ok()
}

fn content(location: &Location, headers: &Headers) -> &'static str {
    match location.find(headers) {
        Found::Nothing => "no token",
        Found::One(_) => "a token",
        Found::Several => "several values",
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some(rule) => writeln!(out, "rule {rule} decides")?,
            None if self.is_unmatched => writeln!(out, "no rule matches")?,
            None => {}
        }
        for (location, content) in &self.locations {
            writeln!(out, "{location}: {content}")?;
        }
        match &self.outcome {
            ExplainedOutcome::Admitted { headers, has_identity } => {
                let with = if *has_identity { "with" } else { "without" };
                write!(out, "admitted {with} an identity")?;
                for name in headers {
                    write!(out, ", writes {name}")?;
                }
                Ok(())
            }
            ExplainedOutcome::NotEnforced(denial) => {
                write!(out, "admitted, the denial is not enforced: {denial}")
            }
            ExplainedOutcome::Denied(denial) => {
                let (reason, text) = (denial.rejection.reason(), denial.rejection.text());
                write!(out, "refused with {}: {denial}: {text}", reason.status())?;
                denial.requirements().try_for_each(|(name, value)| write!(out, ", {name} {value}"))
            }
            ExplainedOutcome::Waiting(max) => {
                write!(out, "waits for keys or a deny list, at most {} ms", max.as_millis())
            }
        }
    }
}
