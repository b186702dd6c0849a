//! The document made ready.

use filter_core::InvalidConfig;

use crate::{
    Config, compiler::Compiler, direction::Direction, metrics::Plan, operations::Operations,
    outlets::Outlets, record::Record,
};

/// A compiled document.
#[derive(Debug)]
pub struct Policy {
    plan: Plan,
    operations: Operations,
    outlets: Outlets,
    warnings: Vec<String>,
    is_dry_run: bool,
}

impl Policy {
    /// Compiles a document; `variable` looks up a variable of the virtual machine.
    ///
    /// # Errors
    ///
    /// Everything that is wrong between its fields.
    pub fn new(
        config: &Config,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidConfig> {
        let normalization = config.path_normalization;
        let mut compiler = Compiler { normalization, ..Compiler::default() };
        let operations =
            Operations::compile(&config.operations, normalization, &mut compiler.problems);
        let plan = Plan::clean("weir_telemetry", Direction::Unspecified);
        let outlets = Outlets::compile(config, variable, &mut compiler);
        outlets.check_use(std::iter::empty(), &mut compiler);
        let Compiler { problems, warnings, .. } = compiler;
        let is_dry_run = config.dry_run;
        problems.finish(Self { plan, operations, outlets, warnings, is_dry_run })
    }

    /// Returns where telemetry leaves the proxy.
    #[must_use]
    pub const fn outlets(&self) -> &Outlets {
        &self.outlets
    }

    /// Returns what an operator may not have meant.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
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
