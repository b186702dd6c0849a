//! Sources of sampling decisions.

use filter_core::{Headers, Request};

use super::{Tracer, incoming::Incoming};
use crate::{config::tracing::RemoteContext, expression::Attributes};

/// The source of a sampling decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SamplingSource {
    /// The flags of the caller's `traceparent`.
    Caller,
    /// The caller's B3 headers.
    B3,
    /// The entry of `sampling` with this index.
    Filter(usize),
    /// `randomSamplingPercentage`.
    Percentage,
}

impl Tracer {
    /// Returns the source of the sampling decision that [`Tracer::begin`] makes for a request.
    #[must_use]
    pub fn sampling_source(
        &self,
        headers: &Headers,
        at: &dyn Attributes,
        request: &Request,
    ) -> SamplingSource {
        if self.remote_context == RemoteContext::Trust {
            let incoming = Incoming::read(headers, self.accepts_b3);
            let is_b3 = incoming.remote.is_none_or(|remote| remote.is_b3);
            let decided = incoming.remote.map_or(incoming.decision, |remote| remote.decision);
            if decided.is_some() {
                return if is_b3 { SamplingSource::B3 } else { SamplingSource::Caller };
            }
        }
        let holds = |(filter, _): &(_, _)| holds(filter, at, request);
        self.sampling
            .iter()
            .position(holds)
            .map_or(SamplingSource::Percentage, SamplingSource::Filter)
    }
}

fn holds(filter: &crate::signals::filter::Filter, at: &dyn Attributes, request: &Request) -> bool {
    filter.holds(at, request) == Ok(true)
}
