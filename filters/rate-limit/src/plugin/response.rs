//! Responses to admitted requests: headers and charges.

use std::time::SystemTime;

use filter_core::{GrpcStatus, Headers};
use filter_host::{
    Result, clock,
    headers::{self, Map},
};

use super::{
    RateLimit,
    decide::{Admitted, clocks},
};
use crate::{Metric, PlannedDraw, ResponseParts, config::EXPLAIN};

impl RateLimit {
    /// Sets the headers that describe the limits.
    pub(super) fn describe(&self, admitted: &Admitted) {
        let mut result = Ok(());
        for (name, value) in self.policy.admitted_headers(&admitted.admission.usages) {
            let set = headers::set(Map::ResponseHeaders, name.as_str(), &value);
            result = result.and(set);
        }
        for (name, value) in &admitted.response_headers {
            let added = headers::add(Map::ResponseHeaders, name.as_str(), value);
            result = result.and(added);
        }
        if let Some(explanation) = &admitted.explanation {
            let set = headers::set(Map::ResponseHeaders, EXPLAIN, explanation.as_bytes());
            result = result.and(set);
        }
        if result.is_err() {
            self.counters.count(Metric::Errors);
        }
    }

    /// Takes the units of charges that match the response headers, or the trailers.
    ///
    /// Removes the charges that can no longer match.
    pub(super) fn charge(&self, charges: &mut Vec<PlannedDraw>, map: Map, is_end: bool) {
        charges.retain(|draw| match self.charge_one(draw, map) {
            Ok(is_charged) => !is_charged && !is_end && self.policy.charges_by_grpc_status(draw),
            Err(error) => {
                self.on_error(error);
                false
            }
        });
    }

    /// Takes the units of a charge if it matches. Returns `true` if it does.
    fn charge_one(&self, draw: &PlannedDraw, map: Map) -> Result<bool> {
        let status = match map {
            Map::ResponseHeaders => {
                number(map, ":status")?.and_then(|status| status.try_into().ok())
            }
            _ => None,
        };
        let grpc_status = match self.policy.charges_by_grpc_status(draw) {
            true => number(map, "grpc-status")?.and_then(GrpcStatus::from_code),
            false => None,
        };
        let header = match self.policy.charge_header(draw) {
            Some(name) => headers::value(Map::ResponseHeaders, name.as_str())?,
            None => None,
        };
        let response = ResponseParts { status, grpc_status, header: header.as_deref() };
        let Some(units) = self.policy.charge(draw, response) else { return Ok(false) };
        let clocks = clocks(match draw.rate.is_some_and(|rate| rate.uses_wall_clock()) {
            true => clock::now()?,
            false => SystemTime::UNIX_EPOCH,
        });
        if self.counts.charge(draw, clocks, units)? {
            self.counters.count_eviction(clocks.monotonic);
        }
        Ok(true)
    }
}

/// Returns the number in a header; `None` if it is absent or not a number.
fn number(map: Map, name: &str) -> Result<Option<u64>> {
    let value = headers::value(map, name)?;
    Ok(value.and_then(|value| Headers::from_iter([(name, value)]).number(name)))
}
