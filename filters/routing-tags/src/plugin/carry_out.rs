//! Doing what was decided.

use filter_host::{
    Result,
    headers::{self, Map},
    property,
};

use super::RoutingTags;
use crate::{Decision, Event, OnResponse, config::EXPLAIN};

impl RoutingTags {
    /// Counts and changes what a decision names.
    pub(super) fn obey(&self, decision: &Decision) -> Result<()> {
        for counter in &decision.counts {
            self.count(*counter);
        }
        for name in &decision.strip {
            if headers::value(Map::RequestHeaders, name.as_str())?.is_some() {
                self.count(Event::InboundStripped.counter());
                if !decision.is_dry {
                    headers::remove(Map::RequestHeaders, name.as_str())?;
                }
            }
        }
        for edits in &decision.request {
            headers::apply(Map::RequestHeaders, edits)?;
        }
        match &decision.filter_state {
            Some(tag) => property::write(&["weir.tag"], tag),
            None => Ok(()),
        }
    }
}

/// Changes an answer.
pub(super) fn answer(response: &OnResponse) -> Result<()> {
    for edits in &response.edits {
        headers::apply(Map::ResponseHeaders, edits)?;
    }
    for cookie in &response.cookies {
        headers::add(Map::ResponseHeaders, "set-cookie", cookie.as_bytes())?;
    }
    match &response.explanation {
        Some(text) => headers::set(Map::ResponseHeaders, EXPLAIN, text.as_bytes()),
        None => Ok(()),
    }
}
