//! Sources of sampling decisions.

use filter_core::{Headers, Request};

use super::{Tracer, incoming::Incoming};
use crate::{config::tracing::RemoteContext, expression::Attributes, trace_context::Propagation};

/// The source of a sampling decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SamplingSource {
    /// The caller's headers in this format.
    Caller(Propagation),
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
            let incoming = Incoming::read(headers, self.accepted_formats);
            let format = incoming.remote.map_or(Propagation::B3, |remote| remote.format);
            let decided = incoming.remote.map_or(incoming.decision, |remote| remote.decision);
            if decided.is_some() {
                return SamplingSource::Caller(format);
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
