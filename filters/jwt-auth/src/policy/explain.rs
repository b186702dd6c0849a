//! Why a request is admitted or refused.

use std::{fmt, rc::Rc, time::Duration};

use filter_core::{Headers, Request};

use super::{Outcome, Patience, Policy, Verdict, Worker};
use crate::{
    denial::Denial,
    locations::{Found, Location},
};

/// The way to a decision about one request, to be read by people; nothing of a token is in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// The name of the rule that decides; absent if none matches or none is configured.
    pub rule: Option<Rc<str>>,
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
        Explanation { rule: rule.and_then(|rule| rule.name.clone()), places, end }
    }
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
        if let Some(rule) = &self.rule {
            writeln!(out, "rule {rule} decides")?;
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
                write!(out, "refused with {}: {denial}: {text}", reason.status())
            }
            End::Waits(longest) => {
                write!(out, "waits for keys or a deny list, at most {} ms", longest.as_millis())
            }
        }
    }
}
