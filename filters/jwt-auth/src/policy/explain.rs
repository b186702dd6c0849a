//! Why a request is admitted or refused.

use std::{fmt, rc::Rc, time::Duration};

use filter_core::{ConfigErrors, Headers, HttpMatch, Matcher, MatcherOptions, Request};

use super::{Outcome, Patience, Policy, Verdict, Worker};
use crate::{
    denial::{Denial, EXPLAIN},
    locations::{Found, Location},
    rule::CLAIMS_IN_MATCH,
};

/// The way to a decision about one request, to be read by people; nothing of a token is in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// The name of the rule that decides; absent if none matches or none is configured.
    pub rule: Option<Rc<str>>,
    /// `true` if there are rules and none matches.
    pub is_unmatched: bool,
    /// Where the rule looks for tokens, and what is there.
    pub places: Vec<(String, &'static str)>,
    /// What comes of it.
    pub end: End,
}

/// What becomes of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum End {
    /// It goes on; `headers` are written, and `identity` says whether one is published.
    Admitted {
        /// The headers that are written.
        headers: Vec<String>,
        /// Whether `weir.jwt` is set.
        identity: bool,
    },
    /// It would be refused, but goes on because of `dryRun` or as a CORS preflight.
    Spared(Denial),
    /// It is refused.
    Refused(Denial),
    /// It waits for keys or for a deny list, at most this long.
    Waits(Duration),
}

impl Policy {
    /// Explains what [`Policy::judge`] says to the same values, as long as requests may wait.
    pub fn explain(&self, worker: &mut Worker, request: &Request, now: Duration) -> Explanation {
        let rule = self.rule_for(request).ok();
        let places = rule.map_or_else(Vec::new, |rule| {
            let place =
                |location: &Location| (location.to_string(), content(location, &request.headers));
            rule.places.iter().map(|it| place(&it.location)).collect()
        });
        let end = match self.judge(worker, request, now, Patience::Waits).verdict {
            Verdict::Allow(admission) => End::Admitted {
                headers: admission.edits.set.iter().map(|(name, _)| name.to_string()).collect(),
                identity: admission.identity.is_some(),
            },
            Verdict::AwaitKeys(wait) => End::Waits(wait.at_most),
            Verdict::Deny(denial) => match self.refuse(&denial, &request.headers).outcome {
                Outcome::Reply(_) => End::Refused(denial),
                Outcome::Admit(_) => End::Spared(denial),
            },
        };
        let is_unmatched = rule.is_none();
        Explanation { rule: rule.and_then(|rule| rule.name.clone()), is_unmatched, places, end }
    }

    /// Returns `true` if a client asks for an explanation and may have it.
    pub(super) fn is_asked_why(&self, request: &Request) -> bool {
        let asked = request.headers.first(EXPLAIN) == Some(b"1");
        let may = self.explain.as_ref();
        asked && may.is_some_and(|matcher| matcher.sure_match(request).is_some())
    }
}

/// Compiles `explain`.
pub(super) fn compile(list: &[HttpMatch], errors: &mut ConfigErrors) -> Option<Matcher> {
    for (place, entry) in list.iter().enumerate() {
        if entry.reads_claims() {
            errors.add(format!("explain[{place}].claims"), CLAIMS_IN_MATCH);
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
        for (place, content) in &self.places {
            writeln!(out, "{place}: {content}")?;
        }
        match &self.end {
            End::Admitted { headers, identity } => {
                let with = if *identity { "with" } else { "without" };
                write!(out, "admitted {with} an identity")?;
                for name in headers {
                    write!(out, ", writes {name}")?;
                }
                Ok(())
            }
            End::Spared(denial) => write!(out, "goes on, though it fails: {denial}"),
            End::Refused(denial) => {
                let (reason, text) = (denial.fault.reason(), denial.fault.text());
                write!(out, "refused with {}: {denial}: {text}", reason.status())?;
                denial.wanted().try_for_each(|(name, value)| write!(out, ", {name} {value}"))
            }
            End::Waits(longest) => {
                write!(out, "waits for keys or a deny list, at most {} ms", longest.as_millis())
            }
        }
    }
}
