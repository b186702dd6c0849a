//! The document made ready.

use filter_core::{InvalidConfig, Problems};

use crate::{Config, direction::Direction, metrics::Plan, operations::Operations, record::Record};

/// A compiled document.
#[derive(Debug)]
pub struct Policy {
    plan: Plan,
    operations: Operations,
    is_dry_run: bool,
}

impl Policy {
    /// Compiles a document.
    ///
    /// # Errors
    ///
    /// Everything that is wrong between its fields.
    pub fn new(config: &Config) -> Result<Self, InvalidConfig> {
        let mut problems = Problems::default();
        let normalization = config.path_normalization;
        let operations = Operations::compile(&config.operations, normalization, &mut problems);
        let plan = Plan::clean("weir_telemetry", Direction::Unspecified);
        problems.finish(Self { plan, operations, is_dry_run: config.dry_run })
    }

    /// Returns the metrics of a direction.
    #[must_use]
    pub const fn plan(&self, _direction: Direction) -> &Plan {
        &self.plan
    }

    /// Returns the operations.
    #[must_use]
    pub const fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Says whether a stream is an error.
    #[must_use]
    pub fn is_error(&self, record: &Record) -> bool {
        record.is_failed()
    }

    /// Says whether no header may be written.
    #[must_use]
    pub const fn is_dry_run(&self) -> bool {
        self.is_dry_run
    }
}
