//! From the document to the policy.

use filter_core::{ConfigErrors, InvalidConfig, Mode, Needs};

use super::Policy;
use crate::{
    Config,
    config::{ExpressionText, MetricsConfig, OneOrMany},
    export::exporters::Outlets,
    expression::{Attribute, Expression, Phase, ResultKind, WeirAttribute},
    policy::compiler::Compiler,
    policy::operations::Operations,
    policy::response_headers::ResponseHeaders,
    signals::access_log::{AccessLog, Surroundings},
    signals::filter::Filter,
    signals::metrics::Metrics,
    signals::slo::Slo,
    signals::tracing::Tracer,
};

/// The most entries of `metrics`.
const MAX_ENTRIES: usize = 8;

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
            Operations::compile(&config.operations, normalization, &mut compiler.errors);
        let has_operations = !operations.is_empty();
        let entries = entries(config.metrics.as_ref(), &mut compiler.errors);
        let metrics = Metrics::compile(entries, &config.slos, has_operations, &mut compiler);
        let slos = Slo::compile(&config.slos, &mut compiler);
        let error_when = config.error_when.as_ref().and_then(|it| error_when(it, &mut compiler));
        let outlets = Outlets::compile(config, variable, &mut compiler);
        let access_logs = access_logs(config, &outlets, has_operations, &mut compiler);
        let response_headers = config
            .response_headers
            .as_ref()
            .map(|config| ResponseHeaders::compile(config, &mut compiler));
        let Compiler { reads, errors, warnings, .. } = compiler;
        let mut policy = Self {
            fleeting: reads.early().map(|(slot, _)| slot).collect(),
            redaction_key: config.redaction.as_ref().map(|it| it.key.reveal().to_vec()),
            mode: Mode::new(config.dry_run),
            operations,
            metrics,
            slos,
            error_when,
            outlets,
            response_headers,
            fills_state: config.filter_state,
            access_logs,
            warnings,
            reads,
            needs: Needs::default(),
        };
        policy.needs = policy.all_needs();
        errors.finish(policy)
    }

    /// Returns what is read of each request when its headers are at hand.
    fn all_needs(&self) -> Needs {
        let filters = self.metrics.definitions.iter().filter_map(|it| it.filter.as_ref());
        let filters = filters.chain(self.slos.iter().filter_map(Slo::filter));
        let filters = filters.chain(self.access_logs.iter().filter_map(AccessLog::filter));
        let filters = filters.chain(self.outlets.tracing().filters());
        let told = self.response_headers.iter().filter_map(ResponseHeaders::filter);
        let mut needs = Needs::default();
        filters.chain(told).filter_map(Filter::needs).for_each(|more| needs.merge(more));
        let early = self.reads.early().filter_map(|(_, attribute)| attribute.request_header());
        let traced = self.outlets.tracing().tracers().iter().flat_map(Tracer::headers);
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
    let mut read = condition.slots().iter().filter_map(|slot| compiler.reads.attribute(*slot));
    if read.any(|attribute| *attribute == Attribute::Weir(WeirAttribute::Error)) {
        compiler.errors.add(path, "must not read weir.error, which it decides");
        return None;
    }
    Some(condition)
}

fn access_logs(
    config: &Config,
    outlets: &Outlets,
    has_operations: bool,
    compiler: &mut Compiler,
) -> Vec<AccessLog> {
    let around = Surroundings { outlets, has_operations };
    let logs = config.access_logging.as_ref().map_or_else(Vec::new, |OneOrMany(entries)| {
        AccessLog::compile_all(entries, &around, compiler)
    });
    outlets.check_use(config, compiler);
    logs
}

/// Returns the entries of `metrics`; absent, there is none that changes anything.
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
    fn what_an_error_is_does_not_depend_on_itself() {
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
