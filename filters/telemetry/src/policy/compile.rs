//! Compilation of a document.

use filter_core::{ConfigErrors, InvalidConfig, Mode, Needs};

use super::Policy;
use crate::{
    Config,
    config::{ExpressionText, MetricsConfig, OneOrMany},
    export::exporters::Exporters,
    expression::{Attribute, Expression, Phase, ResultKind, WeirAttribute},
    policy::compiler::Compiler,
    policy::operations::Operations,
    policy::response_headers::ResponseHeaders,
    signals::access_log::{AccessLog, CompileContext},
    signals::filter::Filter,
    signals::metrics::Metrics,
    signals::slo::Slo,
    signals::tracing::Tracer,
};

/// Maximum number of entries of `metrics`.
const MAX_ENTRIES: usize = 8;

impl Policy {
    /// Compiles a document; `variable` looks up an environment variable of the virtual machine.
    ///
    /// # Errors
    ///
    /// Returns all errors of the document.
    pub fn new(
        config: &Config,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidConfig> {
        let normalization = config.path_normalization;
        let mut compiler = Compiler { normalization, ..Compiler::default() };
        let operations =
            Operations::compile(&config.operations, normalization, &mut compiler.errors);
        let has_operations = !operations.is_empty();
        let entries = entries(config.metrics.as_ref(), &mut compiler.errors);
        let metrics = Metrics::compile(entries, &config.slos, has_operations, &mut compiler);
        let slos = Slo::compile(&config.slos, &mut compiler);
        let error_when =
            config.error_when.as_ref().and_then(|text| error_when(text, &mut compiler));
        let exporters = Exporters::compile(config, variable, &mut compiler);
        let access_logs = access_logs(config, &exporters, has_operations, &mut compiler);
        let response_headers = config
            .response_headers
            .as_ref()
            .map(|config| ResponseHeaders::compile(config, &mut compiler));
        let Compiler { reads, errors, warnings, .. } = compiler;
        let mut policy = Self {
            early_slots: reads.early().map(|(slot, _)| slot).collect(),
            redaction_key: config
                .redaction
                .as_ref()
                .map(|redaction| redaction.key.reveal().to_vec()),
            mode: Mode::new(config.dry_run),
            operations,
            metrics,
            slos,
            error_when,
            exporters,
            response_headers,
            sets_filter_state: config.filter_state,
            access_logs,
            warnings,
            attribute_table: reads,
            needs: Needs::default(),
        };
        policy.needs = policy.collect_needs();
        errors.finish(policy)
    }

    /// Collects the parts of a request that any part of the policy needs.
    fn collect_needs(&self) -> Needs {
        let filters = self.metrics.definitions.iter().filter_map(|metric| metric.filter.as_ref());
        let filters = filters.chain(self.slos.iter().filter_map(Slo::filter));
        let filters = filters.chain(self.access_logs.iter().filter_map(AccessLog::filter));
        let filters = filters.chain(self.exporters.tracing().filters());
        let response_headers = self.response_headers.iter().filter_map(ResponseHeaders::filter);
        let mut needs = Needs::default();
        filters
            .chain(response_headers)
            .filter_map(Filter::needs)
            .for_each(|filter| needs.merge(filter));
        let early =
            self.attribute_table.early().filter_map(|(_, attribute)| attribute.request_header());
        let traced = self.exporters.tracing().tracers().iter().flat_map(Tracer::headers);
        let operation = [
            (":method", self.reads_method()),
            (":path", !self.operations.is_empty()),
            (":authority", self.operations.reads_host()),
        ];
        let operation = operation.into_iter().filter_map(|(name, is_read)| is_read.then_some(name));
        let named = early.chain(traced).chain(operation).map(str::to_owned);
        needs.headers.extend(named);
        needs
    }
}

fn error_when(text: &ExpressionText, compiler: &mut Compiler) -> Option<Expression> {
    let path = "errorWhen";
    let condition = compiler.expression(text, Phase::End, ResultKind::Bool, path)?;
    let mut attributes =
        condition.slots().iter().filter_map(|slot| compiler.reads.attribute(*slot));
    if attributes.any(|attribute| *attribute == Attribute::Weir(WeirAttribute::Error)) {
        compiler.errors.add(path, "must not read weir.error, which it decides");
        return None;
    }
    Some(condition)
}

fn access_logs(
    config: &Config,
    exporters: &Exporters,
    has_operations: bool,
    compiler: &mut Compiler,
) -> Vec<AccessLog> {
    let context = CompileContext { exporters, has_operations };
    let logs = config.access_logging.as_ref().map_or_else(Vec::new, |OneOrMany(entries)| {
        AccessLog::compile_all(entries, &context, compiler)
    });
    exporters.check_use(config, compiler);
    logs
}

/// Returns the entries of `metrics`, none by default.
fn entries<'a>(
    metrics: Option<&'a OneOrMany<MetricsConfig>>,
    errors: &mut ConfigErrors,
) -> &'a [MetricsConfig] {
    let Some(OneOrMany(entries)) = metrics else { return &[] };
    if !(1..=MAX_ENTRIES).contains(&entries.len()) {
        let got = entries.len();
        errors.add("metrics", format_args!("must have 1 to {MAX_ENTRIES} entries, got {got}"));
    }
    entries
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use filter_core::parse_config;

    use super::*;

    #[test]
    fn error_when_must_not_read_weir_error() {
        for (text, message) in [
            ("response.code >= 500", None),
            ("weir.error", Some("errorWhen: must not read weir.error, which it decides")),
            ("response.code", Some("errorWhen: must be an expression of kind bool, got int")),
        ] {
            let document = format!("{{\"errorWhen\": \"{text}\"}}");
            let config: Config = parse_config(document.as_bytes()).unwrap();
            let error = Policy::new(&config, &|_| None).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), message);
        }
    }
}
