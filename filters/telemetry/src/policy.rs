//! The compiled document.

use filter_core::{Mode, Needs, Warning};

use crate::{
    export::exporters::Exporters,
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
mod measure;
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
    exporters: Exporters,
    response_headers: Option<ResponseHeaders>,
    sets_filter_state: bool,
    access_logs: Vec<AccessLog>,
    redaction_key: Option<Vec<u8>>,
    warnings: Vec<Warning>,
    attribute_table: AttributeTable,
    early_slots: Vec<Slot>,
    needs: Needs,
    mode: Mode,
}

impl Policy {
    /// Returns the export configuration.
    #[must_use]
    pub const fn exporters(&self) -> &Exporters {
        &self.exporters
    }

    /// Returns the response headers to add; `None` in a dry run.
    #[must_use]
    pub fn response_headers(&self) -> Option<&ResponseHeaders> {
        self.response_headers.as_ref().filter(|_| !self.mode.is_dry_run())
    }

    /// Returns `true` if the operation is written to filter state.
    #[must_use]
    pub const fn sets_filter_state(&self) -> bool {
        self.sets_filter_state
    }

    /// Returns the enabled access logs.
    #[must_use]
    pub fn access_logs(&self) -> &[AccessLog] {
        &self.access_logs
    }

    /// Returns `true` if a field of an access log or a span attribute is hashed.
    #[must_use]
    pub fn hashes(&self) -> bool {
        self.access_logs.iter().any(AccessLog::hashes) || self.exporters.tracing().hashes()
    }

    /// Returns the configured key of redaction hashes.
    #[must_use]
    pub fn redaction_key(&self) -> Option<&[u8]> {
        self.redaction_key.as_deref()
    }

    /// Returns the warnings.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns the compiled metrics.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns the tags to list in Istio's `extraStatTags` or a plain Envoy's `stats_tags`.
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

    /// Returns `true` if the request method is read.
    #[must_use]
    pub fn reads_method(&self) -> bool {
        self.metrics.uses(LabelSource::Method) || self.operations.reads_method()
    }

    /// Returns the parts of a request to capture at its headers.
    #[must_use]
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns the attributes that the document reads.
    #[must_use]
    pub const fn attribute_table(&self) -> &AttributeTable {
        &self.attribute_table
    }

    /// Returns the attributes to read at the request headers, as later filters can change them.
    #[must_use]
    pub fn early_slots(&self) -> &[Slot] {
        &self.early_slots
    }

    /// Returns `true` if no headers must be changed.
    #[must_use]
    pub const fn is_dry_run(&self) -> bool {
        self.mode.is_dry_run()
    }
}
