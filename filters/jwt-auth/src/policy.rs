//! The compiled document, and the decision about a request.

use std::{rc::Rc, time::Duration};

use filter_core::{
    HeaderEdits, HeaderName, Headers, Matcher, Mode, Needs, Reply, Request, Warning,
};

use crate::{
    cache::{Limits, TokenCache},
    config::{MultipleTokens, Publish},
    crypto::Crypto,
    denial::{Denial, Fault, Replies},
    key_source::{Source, SourceSpec},
    metrics::Metric,
    provider::Provider,
    rule::Rule,
    token::Padding,
};

mod admit;
mod asking;
mod collect;
mod compile;
mod explain;
mod judge;
mod preflight;
mod verify;

use asking::Asking;
pub use explain::{End, Explanation};
use judge::Stop;

/// A compiled configuration; immutable and shared by all streams of a worker.
#[derive(Debug)]
pub struct Policy {
    providers: Vec<Provider>,
    /// Indices of the providers: those that name an issuer come first.
    by_issuer: Vec<usize>,
    rules: Vec<Rule>,
    /// Chooses among the rules; absent where one is implied.
    matcher: Option<Matcher>,
    /// Selects the requests whose refusals are explained to the client; `None` if no refusal is.
    explain: Option<Matcher>,
    cache: Limits,
    strip: Rc<[HeaderName]>,
    needs: Needs,
    sources: Vec<Rc<SourceSpec>>,
    crypto: Crypto,
    multiple_tokens: MultipleTokens,
    max_tokens: usize,
    max_token_bytes: usize,
    /// Accepted if any provider accepts it.
    padding: Padding,
    publish: Publish,
    replies: Replies,
    mode: Mode,
    bypass_cors_preflight: bool,
    label_metrics: bool,
    warnings: Vec<Warning>,
}

/// What one worker remembers between requests.
#[derive(Debug)]
pub struct Worker {
    cache: TokenCache,
    /// What is fetched.
    pub sources: Vec<Source>,
}

/// The answer to a request, and the counters to be incremented.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Judgement {
    /// What is to be done.
    pub verdict: Verdict,
    /// What happened; a counter may occur more than once.
    pub counts: Vec<Metric>,
}

/// What is to be done with a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The request goes on, after these changes.
    Allow(Admission),
    /// The request is refused; [`Policy::refuse`] says how, given all of its headers.
    Deny(Denial),
    /// The request waits for a fetch; only given to those who may wait.
    AwaitKeys(Wait),
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wait {
    /// The index of the source among [`Worker::sources`].
    pub source: usize,
    /// How long the request may wait, counted from its arrival.
    pub at_most: Duration,
}

/// Whether a request may wait for keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Patience {
    /// It may.
    Waits,
    /// It has waited, or there is no room: it must be decided.
    Spent,
}

/// The changes to an admitted request; all of them empty in a dry run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Admission {
    /// Headers that only a verified token may write: every inbound copy goes, before `edits`,
    /// which replace the copies of those that they set.
    pub strip: Rc<[HeaderName]>,
    /// Header changes: first `remove`, then `set`, then `add`.
    pub edits: HeaderEdits,
    /// The new `:path`, where a token was cut out of the query.
    pub path: Option<Vec<u8>>,
    /// The value of the property `weir.jwt`: JSON, set only for a verified identity.
    pub identity: Option<Rc<[u8]>>,
}

/// How a refused request ends, and the counters to be incremented.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// What is to be done.
    pub outcome: Outcome,
    /// What happened.
    pub counts: Vec<Metric>,
}

/// How a refused request ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The client gets this reply.
    Reply(Reply),
    /// The request goes on after all: a CORS preflight, or a dry run.
    Admit(Admission),
}

impl Policy {
    /// Returns what [`Policy::judge`] looks at, and the headers of [`Admission::strip`].
    ///
    /// Every value of each header is needed.
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns what an operator should know about the configuration, one line each.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns the engines for signatures.
    pub const fn crypto(&self) -> &Crypto {
        &self.crypto
    }

    /// Says whether the reason of a refusal is a label, see [`Metric::name`].
    pub const fn labels_metrics(&self) -> bool {
        self.label_metrics
    }

    /// Makes what one worker keeps between requests.
    pub fn worker(&self) -> Worker {
        let source = |spec| Source::new(Rc::clone(spec), self.crypto);
        let sources = self.sources.iter().map(source).collect();
        Worker { cache: TokenCache::new(self.cache), sources }
    }

    /// Says whether a request may wait for keys: a CORS preflight needs none.
    pub fn may_wait(&self, headers: &Headers) -> bool {
        !(self.bypass_cors_preflight && preflight::is_preflight(headers))
    }

    /// Returns the headers that only a verified token may write. They are removed from trailers
    /// too, which some servers join to the headers.
    pub fn owned(&self) -> &[HeaderName] {
        if self.mode.is_dry_run() { &[] } else { &self.strip }
    }

    /// Decides about a request from what [`Policy::needs`] names; `now` counts from 1970.
    ///
    /// Asking again with the same values gives the same answer, except for what the worker's
    /// cache saves.
    pub fn judge(
        &self,
        worker: &mut Worker,
        request: &Request,
        now: Duration,
        patience: Patience,
    ) -> Judgement {
        let mut counts = Vec::new();
        let dry = self.mode.is_dry_run();
        let patience = if dry { Patience::Spent } else { patience };
        let asking = Asking { worker, request, now, patience, counts: &mut counts };
        let verdict = match self.decide(asking) {
            Ok(admission) => {
                counts.push(Metric::Allowed);
                Verdict::Allow(if dry { Admission::default() } else { admission })
            }
            Err(Stop::Deny(mut denial)) => {
                denial.is_explained = self.is_asked_why(request);
                Verdict::Deny(*denial)
            }
            // Whatever was counted will be counted when the question is asked again.
            Err(Stop::Wait(wait)) => {
                counts.clear();
                Verdict::AwaitKeys(wait)
            }
        };
        Judgement { verdict, counts }
    }

    /// Says how a refused request ends, from all of its headers.
    pub fn refuse(&self, denial: &Denial, headers: &Headers) -> Refusal {
        if self.bypass_cors_preflight && preflight::is_preflight(headers) {
            let counts = vec![Metric::CorsPreflightBypassed, Metric::Allowed];
            return Refusal {
                outcome: Outcome::Admit(self.admit_without_identity(headers)),
                counts,
            };
        }
        self.end(denial, headers)
    }

    /// Says how a request ends when the proxy failed to answer a call: refused, whatever it asks.
    pub fn fail(&self) -> Refusal {
        self.end(&Denial::from(Fault::INTERNAL), &Headers::default())
    }

    fn end(&self, denial: &Denial, headers: &Headers) -> Refusal {
        if self.mode.is_dry_run() {
            let counts = vec![Metric::DryRunDenied];
            return Refusal { outcome: Outcome::Admit(Admission::default()), counts };
        }
        let counts = vec![Metric::Denied, Metric::DeniedFor(denial.fault.reason())];
        Refusal { outcome: Outcome::Reply(self.replies.reply(denial, headers)), counts }
    }

    fn provider_name(&self, index: usize) -> Option<Rc<str>> {
        self.providers.get(index).map(|provider| Rc::clone(&provider.name))
    }
}

#[cfg(test)]
mod tests;
