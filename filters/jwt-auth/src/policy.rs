//! Compiled configurations and decisions about requests.

use std::rc::Rc;

use filter_core::{HeaderEdits, HeaderName, Headers, Matcher, Mode, Needs, Reply, Warning};

use crate::{
    cache::{Limits, TokenCache},
    config::{MultipleTokens, Publish},
    crypto::Crypto,
    denial::{Denial, Rejection, ReplyBuilder, Wait},
    key_source::{Source, SourceSpec},
    metrics::Metric,
    provider::Provider,
    rule::Rule,
    token::Padding,
};

mod admission;
mod collect;
mod compile;
mod decide;
mod explain;
mod preflight;
mod request_context;
mod verify;

pub use explain::{ExplainedOutcome, Explanation};
use request_context::RequestContext;

/// A compiled configuration; immutable and shared by all streams of a worker.
#[derive(Debug)]
pub struct Policy {
    providers: Vec<Provider>,
    /// Indices of the providers: exact issuers first, then conditions, then any issuer.
    by_issuer: Vec<usize>,
    rules: Vec<Rule>,
    /// Selects the rule; `None` if `rules` is absent.
    matcher: Option<Matcher>,
    /// Selects the requests whose denials may be explained to the client; `None` if there are none.
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
    is_publish_set: bool,
    replies: ReplyBuilder,
    mode: Mode,
    bypass_cors_preflight: bool,
    label_metrics: bool,
    warnings: Vec<Warning>,
}

/// The state that one worker keeps between requests.
#[derive(Debug)]
pub struct Worker {
    cache: TokenCache,
    /// The fetched documents.
    pub sources: Vec<Source>,
}

/// The verdict on a request, and the counters to increment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The counters to increment; one may occur more than once.
    pub counts: Vec<Metric>,
}

/// The verdict on a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The request continues with these changes.
    Allow(Admission),
    /// The request is denied: call [`Policy::respond`] with all of its headers.
    Deny(Denial),
    /// The request waits for a document; only with [`WaitPolicy::MayWait`].
    Wait(Wait),
}

/// Whether a request may wait for a document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WaitPolicy {
    /// The request may wait.
    MayWait,
    /// The request must be decided now.
    DecideNow,
}

/// The changes to an admitted request; empty in a dry run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Admission {
    /// Headers that only a verified token may write: remove every inbound copy before applying
    /// `edits`.
    pub strip: Rc<[HeaderName]>,
    /// Header changes: first `remove`, then `set`, then `add`.
    pub edits: HeaderEdits,
    /// The new `:path`, if a token was removed from the query.
    pub path: Option<Vec<u8>>,
    /// The value of the property `weir.jwt`, in JSON; `None` without a verified identity.
    pub identity: Option<Rc<[u8]>>,
}

/// The response to a denied request, and the counters to increment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// The reply to send, or `Ok` if the request continues: a CORS preflight or a dry run.
    pub outcome: Result<Admission, Reply>,
    /// The counters to increment.
    pub counts: Vec<Metric>,
}

impl Policy {
    /// Returns the request attributes and headers that [`Policy::decide`] reads, and the headers of
    /// [`Admission::strip`].
    ///
    /// All values of each header are needed.
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns the warnings about the configuration.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns the engines for signatures.
    pub const fn crypto(&self) -> &Crypto {
        &self.crypto
    }

    /// Returns `true` if metric names have labels, see [`Metric::name`].
    pub const fn labels_metrics(&self) -> bool {
        self.label_metrics
    }

    /// Returns `true` if `publish` is set, so that readers other than filters can depend on the
    /// identity.
    pub const fn is_publish_set(&self) -> bool {
        self.is_publish_set
    }

    /// Creates the state of one worker.
    pub fn worker(&self) -> Worker {
        let source = |spec| Source::new(Rc::clone(spec), self.crypto);
        let sources = self.sources.iter().map(source).collect();
        Worker { cache: TokenCache::new(self.cache), sources }
    }

    /// Returns the headers that only a verified token may write. Remove them from trailers too,
    /// because some servers merge trailers into headers.
    pub fn owned_headers(&self) -> &[HeaderName] {
        if self.mode.is_dry_run() { &[] } else { &self.strip }
    }

    /// Returns the response to a denied request with these headers.
    pub fn respond(&self, denial: &Denial, headers: &Headers) -> Response {
        if self.bypasses(headers) {
            let counts = vec![Metric::CorsPreflightBypassed, Metric::Allowed];
            return Response { outcome: Ok(self.base_admission(headers)), counts };
        }
        self.enforce(denial, headers)
    }

    /// Returns the response to a request, even a CORS preflight, for which a host call failed.
    pub fn respond_to_host_error(&self) -> Response {
        self.enforce(&Denial::from(Rejection::INTERNAL), &Headers::default())
    }

    /// Returns `true` for a CORS preflight that is admitted without a token.
    fn bypasses(&self, headers: &Headers) -> bool {
        self.bypass_cors_preflight && preflight::is_preflight(headers)
    }

    fn enforce(&self, denial: &Denial, headers: &Headers) -> Response {
        if self.mode.is_dry_run() {
            let counts = vec![Metric::DryRunDenied];
            return Response { outcome: Ok(Admission::default()), counts };
        }
        let counts = vec![Metric::Denied, Metric::DeniedFor(denial.rejection.reason())];
        Response { outcome: Err(self.replies.reply(denial, headers)), counts }
    }

    fn provider_name(&self, index: usize) -> Option<Rc<str>> {
        self.providers.get(index).map(|provider| Rc::clone(&provider.name))
    }
}

#[cfg(test)]
mod tests;
