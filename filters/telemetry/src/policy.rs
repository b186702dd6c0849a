//! The document made ready.

use filter_core::InvalidConfig;

use crate::{Config, direction::Direction, metrics::Plan, record::Record};

/// A compiled document.
#[derive(Debug)]
pub struct Policy {
    plan: Plan,
    is_dry_run: bool,
}

impl Policy {
    /// Compiles a document.
    ///
    /// # Errors
    ///
    /// Everything that is wrong between its fields.
    pub fn new(config: &Config) -> Result<Self, InvalidConfig> {
        let plan = Plan::clean("weir_telemetry", Direction::Unspecified);
        Ok(Self { plan, is_dry_run: config.dry_run })
    }

    /// Returns the metrics of a direction.
    #[must_use]
    pub const fn plan(&self, _direction: Direction) -> &Plan {
        &self.plan
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
