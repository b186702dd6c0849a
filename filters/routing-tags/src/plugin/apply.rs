//! Application of decisions.

use filter_host::{
    Result,
    headers::{self, Map},
    published::{self, Fact, Readers},
};

use super::RoutingTags;
use crate::{Decision, Metric, ResponseChanges, config::EXPLAIN};

impl RoutingTags {
    /// Applies a decision to the request, and counts it.
    pub(super) fn apply(&self, decision: &Decision) -> Result<()> {
        for counter in &decision.counters {
            self.count(*counter);
        }
        for name in &decision.strip {
            if headers::value(Map::RequestHeaders, name.as_str())?.is_some() {
                self.count(Metric::InboundStripped.counter());
                if !decision.is_dry_run {
                    headers::remove(Map::RequestHeaders, name.as_str())?;
                }
            }
        }
        for edits in &decision.request {
            headers::apply(Map::RequestHeaders, edits)?;
        }
        match &decision.filter_state {
            Some(tag) => published::publish(Fact::Tag, tag, self.tag_readers()),
            None => Ok(()),
        }
    }

    /// Returns the readers of the tag, other than those of the request headers.
    const fn tag_readers(&self) -> Readers {
        if self.policy.writes_filter_state() { Readers::Everyone } else { Readers::Suite }
    }
}

/// Applies the changes to the response.
pub(super) fn apply_response(changes: &ResponseChanges) -> Result<()> {
    for edits in &changes.edits {
        headers::apply(Map::ResponseHeaders, edits)?;
    }
    for cookie in &changes.cookies {
        headers::add(Map::ResponseHeaders, "set-cookie", cookie.as_bytes())?;
    }
    match &changes.explanation {
        Some(text) => headers::set(Map::ResponseHeaders, EXPLAIN, text.as_bytes()),
        None => Ok(()),
    }
}
