//! Compiles the entries of `tracing`.

use std::collections::BTreeMap;

use filter_core::{Shown, Warning};
use serde_json::json;

use super::{Tag, TagAction, TagSource, Threshold, Tracer, Tracing, span::attributes::BUILT_IN};
use crate::{
    config::{
        Redaction,
        entry::{Mode, ProviderRef},
        tracing::{SampleRate, TagConfig, TracingConfig},
    },
    export::Provider,
    expression::{Phase, ResultKind, is_sensitive_header},
    policy::compiler::Compiler,
    trace_context::Propagation,
};

const MAX_ENTRIES: usize = 4;
const MAX_SAMPLING: usize = 32;
const MAX_TAGS: usize = 32;
const MAX_KEY_LEN: usize = 128;
const SPANS_PER_SECOND: u32 = 1_000;

/// Inputs to the compilation of `tracing`.
pub(crate) struct CompileContext<'a> {
    /// The valid providers of the document.
    pub(crate) providers: &'a [Provider],
    /// The names of all providers, including invalid ones.
    pub(crate) names: &'a [String],
    /// Whether the document has `endpoint`.
    pub(crate) has_endpoint: bool,
    /// The `sampleRate` of the document.
    pub(crate) sample_rate: Option<SampleRate>,
    /// Returns the value of an environment variable.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Tracing {
    /// Compiles the entries. Errors are added to `compiler`.
    pub(crate) fn compile(
        configured: Option<&[TracingConfig]>,
        context: &CompileContext<'_>,
        compiler: &mut Compiler,
    ) -> Self {
        let short = [TracingConfig::default()];
        let entries = match configured {
            Some(entries) => entries,
            None if context.has_endpoint => &short,
            None => {
                if context.sample_rate.is_some() {
                    let rule = "must not be given without tracing or endpoint";
                    compiler.errors.add("sampleRate", rule);
                }
                return Self::default();
            }
        };
        if !(1..=MAX_ENTRIES).contains(&entries.len()) {
            let rule = format_args!("must have 1 to {MAX_ENTRIES} entries");
            compiler.errors.add("tracing", rule);
        }
        let mut tracers: Vec<Tracer> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let path = format!("tracing[{index}]");
            if is_covered(entry.r#match.mode, &tracers) {
                compiler
                    .errors
                    .add(&path, "can never apply: earlier entries match all its listeners");
            }
            let rate = context.sample_rate.filter(|_| index == 0);
            tracers.push(tracer(entry, rate, &path, context, compiler));
        }
        Self { tracers }
    }
}

/// Returns `true` if earlier entries match all listeners of a mode.
fn is_covered(mode: Mode, earlier: &[Tracer]) -> bool {
    let has = |mode| earlier.iter().any(|tracer| tracer.mode == mode);
    has(Mode::ClientAndServer) || has(mode) || (has(Mode::Client) && has(Mode::Server))
}

fn tracer(
    entry: &TracingConfig,
    rate: Option<SampleRate>,
    path: &str,
    context: &CompileContext<'_>,
    compiler: &mut Compiler,
) -> Tracer {
    let provider = provider(&entry.providers, path, context, compiler);
    let percentage = match (entry.random_sampling_percentage, rate) {
        (Some(_), Some(_)) => {
            let rule = "must not be given together with randomSamplingPercentage";
            compiler.errors.add("sampleRate", rule);
            None
        }
        (percentage, rate) => percentage.or_else(|| rate.map(SampleRate::percentage)),
    };
    let threshold = Threshold::from_millionths(percentage.unwrap_or_default().millionths());
    let tracer = Tracer {
        mode: entry.r#match.mode,
        provider,
        threshold,
        sampling: sampling(entry, path, compiler),
        has_spans: provider.is_some() && !entry.disable_span_reporting,
        propagates: !entry.disable_context_propagation,
        istio_tags: entry.enable_istio_tags.unwrap_or(true),
        remote_context: entry.remote_context,
        accepted_formats: if entry.accept_b3 { &Propagation::ALL } else { &[Propagation::W3c] },
        spans_per_second: entry
            .max_spans_per_second
            .and_then(|max| u32::try_from(max.get()).ok())
            .unwrap_or(SPANS_PER_SECOND),
        tags: tags(&entry.custom_tags, path, context, compiler),
    };
    warn(&tracer, path, compiler);
    tracer
}

fn warn(tracer: &Tracer, path: &str, compiler: &mut Compiler) {
    let samples = tracer.sampling.iter().map(|(_, threshold)| threshold);
    let samples_nothing = samples.chain([&tracer.threshold]).all(|threshold| threshold.is_none());
    if tracer.provider.is_none() {
        let message = "no provider accepts spans, so none are created";
        compiler.warnings.push(Warning::new(path, message));
    } else if samples_nothing && tracer.has_spans {
        let message = "samples no new trace: only callers decide which traces are sampled";
        compiler.warnings.push(Warning::new(path, message));
    }
}

/// Returns the index of the provider that an entry names, or of the first one.
fn provider(
    named: &[ProviderRef],
    path: &str,
    context: &CompileContext<'_>,
    compiler: &mut Compiler,
) -> Option<usize> {
    let path = format!("{path}.providers");
    match named {
        [] => (!context.providers.is_empty()).then_some(0),
        [one] => {
            let found = context.providers.iter().position(|provider| *provider.name == *one.name);
            if !context.names.contains(&one.name) {
                let (name, rule) = (json!(one.name), "must be one of extensionProviders");
                let rule = format_args!("{rule}, {}", Shown(&name));
                compiler.errors.add(format_args!("{path}[0].name"), rule);
            }
            found
        }
        _ => {
            compiler.errors.add(path, "must have at most 1 entry");
            None
        }
    }
}

fn sampling(
    entry: &TracingConfig,
    path: &str,
    compiler: &mut Compiler,
) -> Vec<(crate::signals::filter::Filter, Threshold)> {
    if entry.sampling.len() > MAX_SAMPLING {
        let rule = format_args!("must have at most {MAX_SAMPLING} entries");
        compiler.errors.add(format_args!("{path}.sampling"), rule);
    }
    let mut sampling = Vec::new();
    for (index, config) in entry.sampling.iter().enumerate() {
        let path = format!("{path}.sampling[{index}].filter");
        let filter = compiler.filter(&config.filter, Phase::Request, &path);
        let threshold = Threshold::from_millionths(config.percentage.parts_per_million());
        sampling.extend(filter.map(|filter| (filter, threshold)));
    }
    sampling
}

fn tags(
    configured: &BTreeMap<String, TagConfig>,
    path: &str,
    context: &CompileContext<'_>,
    compiler: &mut Compiler,
) -> Vec<Tag> {
    let path = format!("{path}.customTags");
    if configured.len() > MAX_TAGS {
        compiler.errors.add(&path, format_args!("must have at most {MAX_TAGS} entries"));
    }
    let mut tags = Vec::new();
    for (key, config) in configured {
        let path = format!("{path}.{key}");
        if !(1..=MAX_KEY_LEN).contains(&key.len()) {
            let rule = format_args!("must have a name of 1 to {MAX_KEY_LEN} bytes");
            compiler.errors.add(&path, rule);
        }
        let action = action(key, config, &path, context, compiler);
        tags.extend(action.map(|action| Tag { key: key.clone(), action }));
    }
    tags
}

/// Compiles the action for an attribute; `None` if it has no effect or is invalid.
fn action(
    key: &str,
    config: &TagConfig,
    path: &str,
    context: &CompileContext<'_>,
    compiler: &mut Compiler,
) -> Option<TagAction> {
    let TagConfig { literal, environment, header, expression, operation, redact, .. } = config;
    let sources =
        [literal.is_some(), environment.is_some(), header.is_some(), expression.is_some()];
    let sources = sources.into_iter().filter(|is_given| *is_given).count();
    match (sources, operation, redact) {
        (1, None, _) => {
            let source = source(config, path, context, compiler)?;
            Some(TagAction::Put(source, *redact))
        }
        (0, Some(_), None) | (0, None, Some(_)) if !BUILT_IN.contains(&key) => {
            let rule = "must have a value: it is not a built-in attribute";
            compiler.errors.add(path, rule);
            None
        }
        (0, Some(_), None) => Some(TagAction::Remove),
        (0, None, Some(redaction)) => Some(TagAction::Redact(*redaction)),
        _ => {
            let rule = "must have exactly one of literal, environment, header, expression";
            compiler.errors.add(path, rule);
            None
        }
    }
}

fn source(
    config: &TagConfig,
    path: &str,
    context: &CompileContext<'_>,
    compiler: &mut Compiler,
) -> Option<TagSource> {
    let is_hashed = config.redact == Some(Redaction::Hash);
    if let Some(literal) = &config.literal {
        return Some(TagSource::Literal(literal.value.clone()));
    }
    if let Some(environment) = &config.environment {
        let value = (context.variable)(&environment.name);
        return value.or_else(|| environment.default_value.clone()).map(TagSource::Literal);
    }
    if let Some(header) = &config.header {
        if is_sensitive_header(header.name.as_str()) && !is_hashed {
            compiler.errors.add(path, SENSITIVE);
        }
        let (name, default) = (header.name.clone(), header.default_value.clone());
        return Some(TagSource::Header { name, default });
    }
    let text = &config.expression.as_ref()?.value;
    let path = format!("{path}.expression.value");
    let expression = compiler.expression(text, Phase::End, ResultKind::Scalar, &path)?;
    if expression.is_sensitive() && !is_hashed {
        compiler.errors.add(path, SENSITIVE);
    }
    Some(TagSource::Expression(expression))
}

const SENSITIVE: &str = "must not show a credential or an identity, unless redact is HASH";

#[cfg(test)]
mod tests;
