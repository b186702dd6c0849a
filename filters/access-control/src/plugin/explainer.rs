//! Explanations for the clients that may request them.

use std::time::SystemTime;

use filter_core::Request;
use filter_host::{Result, request::RequestReader};

use crate::{Decision, Policies};

/// Reads a request with the parts that select the clients of explanations.
pub(super) struct Explainer(Option<RequestReader>);

impl Explainer {
    pub(super) fn new(policies: &Policies, reader: &RequestReader) -> Self {
        Self(policies.explain_needs().map(|needs| reader.with_needs(needs)))
    }

    /// Returns the explanation of a decision; `None` if the client requests none or may not have it.
    pub(super) fn explain(
        &self,
        policies: &Policies,
        decision: &Decision,
        request: &Request,
        now: SystemTime,
    ) -> Result<Option<String>> {
        let requested = self.0.as_ref().filter(|_| policies.is_explanation_requested(request));
        let Some(reader) = requested else { return Ok(None) };
        // Parts that only explanations need are read only for them.
        Ok(policies.explain(decision, &reader.read()?, now))
    }
}
