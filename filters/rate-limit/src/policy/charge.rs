//! Units that are taken at the response.

use filter_core::{GrpcStatus, HeaderName};

use super::{PlannedDraw, Policy, cost::units};
use crate::config::{ChargeConfig, StatusPattern};

/// Units that are taken at the response if it matches.
#[derive(Debug)]
pub(super) struct Charge {
    statuses: Vec<StatusPattern>,
    grpc_statuses: Vec<GrpcStatus>,
    /// The response header with the number of units; `None` for one unit.
    header: Option<HeaderName>,
    max: u64,
}

/// The parts of a response that decide about a charge; `None` if not known yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResponseParts<'a> {
    /// The HTTP status.
    pub status: Option<u16>,
    /// The gRPC status of the trailers, or of the headers without a body.
    pub grpc_status: Option<GrpcStatus>,
    /// The value of the header with the number of units.
    pub header: Option<&'a [u8]>,
}

impl Charge {
    pub(super) fn new(config: &ChargeConfig) -> Self {
        Self {
            statuses: config.status.clone(),
            grpc_statuses: config.grpc_status.iter().map(|status| status.0).collect(),
            header: config.response_header.clone(),
            max: config.max.map_or(crate::config::MAX_UNITS, |max| max.get()),
        }
    }

    /// Returns `true` if the decision can depend on the gRPC status.
    pub(super) const fn reads_grpc_status(&self) -> bool {
        !self.grpc_statuses.is_empty()
    }

    pub(super) const fn header(&self) -> Option<&HeaderName> {
        self.header.as_ref()
    }

    /// Returns the units to take; `None` if the response does not match.
    ///
    /// A response that matches but has no number in its header costs 1 unit.
    pub(super) fn units(&self, response: ResponseParts<'_>) -> Option<u64> {
        let has_status = |status| self.statuses.iter().any(|pattern| pattern.contains(status));
        let is_any = self.statuses.is_empty() && self.grpc_statuses.is_empty();
        let matches = is_any
            || response.status.is_some_and(has_status)
            || response.grpc_status.is_some_and(|status| self.grpc_statuses.contains(&status));
        if !matches {
            return None;
        }
        let Some(_) = &self.header else { return Some(1) };
        // Repeated headers may arrive as one with commas.
        let header = response.header.unwrap_or_default();
        let number = header.split(|byte| *byte == b',').filter_map(units).max();
        Some(number.unwrap_or(1).min(self.max))
    }
}

impl Policy {
    /// Returns the units to take at the response; `None` if it does not match.
    #[must_use]
    pub fn charge(&self, draw: &PlannedDraw, response: ResponseParts<'_>) -> Option<u64> {
        self.charge_of(draw)?.units(response)
    }

    /// Returns the response header with the number of units.
    #[must_use]
    pub fn charge_header(&self, draw: &PlannedDraw) -> Option<&HeaderName> {
        self.charge_of(draw)?.header()
    }

    /// Returns `true` if the charge of a draw can depend on the gRPC status.
    #[must_use]
    pub fn charges_by_grpc_status(&self, draw: &PlannedDraw) -> bool {
        self.charge_of(draw).is_some_and(Charge::reads_grpc_status)
    }

    fn charge_of(&self, draw: &PlannedDraw) -> Option<&Charge> {
        self.rules.get(draw.rule)?.charge.as_ref()
    }
}
