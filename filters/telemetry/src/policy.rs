//! The document made ready.

use filter_core::{Mode, Needs, Warning};

use crate::{
    export::exporters::Outlets,
    expression::{AttributeTable, Expression, Slot},
    policy::operations::Operations,
    policy::response_headers::ResponseHeaders,
    signals::access_log::AccessLog,
    signals::metrics::{LabelSource, Metrics, Plan},
    signals::slo::Slo,
    stream::direction::Direction,
};

mod compile;
pub(crate) mod compiler;
mod findings;
pub(crate) mod operations;
pub(crate) mod response_headers;
#[cfg(test)]
mod tests;

/// A compiled document.
#[derive(Debug)]
pub struct Policy {
    operations: Operations,
    metrics: Metrics,
    slos: Vec<Slo>,
    error_when: Option<Expression>,
    outlets: Outlets,
    response_headers: Option<ResponseHeaders>,
    fills_state: bool,
    access_logs: Vec<AccessLog>,
    redaction_key: Option<Vec<u8>>,
    warnings: Vec<Warning>,
    reads: AttributeTable,
    fleeting: Vec<Slot>,
    needs: Needs,
    mode: Mode,
}

impl Policy {
    /// Returns where telemetry leaves the proxy.
    #[must_use]
    pub const fn outlets(&self) -> &Outlets {
        &self.outlets
    }

    /// Returns what callers are told; nothing where no header may be written.
    #[must_use]
    pub fn response_headers(&self) -> Option<&ResponseHeaders> {
        self.response_headers.as_ref().filter(|_| !self.mode.is_dry_run())
    }

    /// Says whether the operation is left in filter state.
    #[must_use]
    pub const fn fills_state(&self) -> bool {
        self.fills_state
    }

    /// Returns what is logged.
    #[must_use]
    pub fn access_logs(&self) -> &[AccessLog] {
        &self.access_logs
    }

    /// Returns the key of hashes, where the document has one.
    #[must_use]
    pub fn redaction_key(&self) -> Option<&[u8]> {
        self.redaction_key.as_deref()
    }

    /// Returns what an operator may not have meant.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns the metrics of all directions.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns the tags that Istio's `extraStatTags`, or a plain Envoy's `stats_tags`, must list.
    #[must_use]
    pub fn stat_tags(&self) -> Vec<&str> {
        self.metrics.label_names().into_iter().collect()
    }

    /// Returns the metrics of a direction.
    #[must_use]
    pub const fn plan(&self, direction: Direction) -> &Plan {
        self.metrics.plan(direction)
    }

    /// Returns the operations.
    #[must_use]
    pub const fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Says whether the method is read of every request.
    #[must_use]
    pub fn reads_method(&self) -> bool {
        self.metrics.uses(LabelSource::Method) || self.operations.reads_method()
    }

    /// Returns what is read of a request when its headers are at hand.
    #[must_use]
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns every attribute that the document reads.
    #[must_use]
    pub const fn reads(&self) -> &AttributeTable {
        &self.reads
    }

    /// Returns the attributes that later filters may change, to be read at the request's headers.
    #[must_use]
    pub fn fleeting(&self) -> &[Slot] {
        &self.fleeting
    }

    /// Says whether no header may be written.
    #[must_use]
    pub const fn is_dry_run(&self) -> bool {
        self.mode.is_dry_run()
    }
}
