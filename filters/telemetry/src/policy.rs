//! The document made ready.

use filter_core::InvalidConfig;

use crate::{
    Config,
    access_log::{AccessLog, Surroundings, Target},
    compiler::Compiler,
    config::OneOrMany,
    direction::Direction,
    metrics::Plan,
    operations::Operations,
    outlets::Outlets,
    record::Record,
};

/// A compiled document.
#[derive(Debug)]
pub struct Policy {
    plan: Plan,
    operations: Operations,
    outlets: Outlets,
    access_logs: Vec<AccessLog>,
    redaction_key: Option<Vec<u8>>,
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
        let has_operations = !operations.is_empty();
        let around = Surroundings { outlets: &outlets, has_operations };
        let entries = config.access_logging.as_ref();
        let access_logs = entries.map_or_else(Vec::new, |OneOrMany(entries)| {
            AccessLog::compile_all(entries, &around, &mut compiler)
        });
        let logged = access_logs.iter().filter_map(|log| match log.target {
            Target::Provider(provider) => Some(provider),
            Target::Proxy(_) => None,
        });
        outlets.check_use(logged, &mut compiler);
        let redaction_key = config.redaction.as_ref().map(|it| it.key.reveal().to_vec());
        let Compiler { problems, warnings, .. } = compiler;
        let is_dry_run = config.dry_run;
        problems.finish(Self {
            plan,
            operations,
            outlets,
            access_logs,
            redaction_key,
            warnings,
            is_dry_run,
        })
    }

    /// Returns where telemetry leaves the proxy.
    #[must_use]
    pub const fn outlets(&self) -> &Outlets {
        &self.outlets
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
