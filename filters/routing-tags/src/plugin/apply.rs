//! Application of decisions.

use filter_core::Headers;
use filter_host::{
    HostError, Result,
    headers::{self, Map},
    published::{self, Fact, Readers},
};

use super::RoutingTags;
use crate::{Decision, Metric, ResponseChanges, config::EXPLAIN};

impl RoutingTags {
    /// Applies a decision to the request, and counts it.
    pub(super) fn apply(&self, decision: &Decision) -> Result<()> {
        for name in &decision.strip {
            if headers::value(Map::RequestHeaders, name.as_str())?.is_some() {
                if !decision.is_dry_run {
                    headers::remove(Map::RequestHeaders, name.as_str())?;
                }
                self.count(Metric::InboundStripped.counter());
            }
        }
        for edits in &decision.request {
            headers::apply(Map::RequestHeaders, edits)?;
        }
        for counter in &decision.counters {
            self.count(*counter);
        }
        self.publish(decision);
        Ok(())
    }

    /// Publishes the tag. The routes do not need it, so the tag stays if this fails.
    fn publish(&self, decision: &Decision) {
        let Some(tag) = &decision.filter_state else { return };
        let readers =
            if self.policy.writes_filter_state() { Readers::Everyone } else { Readers::Suite };
        if let Err(error) = published::publish(Fact::Tag, tag, readers) {
            self.count(Metric::Errors.counter());
            log::warn!("cannot write the tag to filter state: {error:?}");
        }
    }

    /// Removes all tags from a map.
    pub(super) fn strip(&self, map: Map) -> Result<()> {
        let baggage = self.baggage(map)?;
        let edits = self.policy.strip_edits(Some(&baggage));
        edits.iter().try_for_each(|edits| headers::apply(map, edits))
    }

    /// Removes all tags from a map after a failed host call, as far as the proxy allows.
    pub(super) fn fall_back(&self, error: HostError, map: Map) {
        self.count(Metric::Errors.counter());
        log::error!("a host call failed: {error:?}");
        let baggage = self.baggage(map).ok();
        for edits in self.policy.strip_edits(baggage.as_ref()) {
            let _ = headers::apply(map, &edits);
        }
    }

    /// Reads the headers that [`Policy::strip_edits`](crate::Policy::strip_edits) needs.
    fn baggage(&self, map: Map) -> Result<Headers> {
        match self.policy.strips_baggage() {
            true => headers::named(map, |name| name == b"baggage"),
            false => Ok(Headers::default()),
        }
    }
}

/// Applies the changes to the response.
///
/// Cookies are issued after the edits, which may include the `cache-control` that they need.
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
