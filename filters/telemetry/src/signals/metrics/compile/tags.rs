//! Configured labels: dimensions of custom metrics and tag overrides.

use std::collections::BTreeMap;

use super::{CustomLabel, LabelSource, Metrics, settings::Settings};
use crate::{
    config::{
        Definition, Dimension, LabelConfig, LabelName, MetricChoice, MetricsConfig, Override,
        TagOperation,
    },
    expression::{AttributeTable, Expression, InvalidExpression, Phase, ResultKind},
    policy::compiler::Compiler,
    signals::label::Label,
    signals::metrics::StandardMetric,
};

/// The labels that an override sets or removes.
pub(super) type Tags = Vec<TagChange>;

/// A label that an override sets or removes.
pub(super) struct TagChange {
    pub(super) name: String,
    /// The new source of its value; `None` if the label is removed.
    pub(super) source: Option<LabelSource>,
    /// Whether the value is available only at the end of the stream, so that the gauge does not
    /// have the label.
    pub(super) is_late: bool,
}

/// Maximum number of configured labels of a metric.
pub(super) const MAX: usize = 10;

/// Returns all overrides with their paths, in order of application.
pub(super) fn overrides(
    entries: &[MetricsConfig],
) -> impl Iterator<Item = (String, &Override)> + use<'_> {
    entries.iter().enumerate().flat_map(|(entry, metrics)| {
        let overrides = metrics.overrides.iter().enumerate();
        overrides.map(move |(index, over)| (format!("metrics[{entry}].overrides[{index}]"), over))
    })
}

impl Metrics {
    /// Compiles the labels of every override.
    pub(super) fn tags(
        &mut self,
        entries: &[MetricsConfig],
        settings: &Settings<'_>,
        compiler: &mut Compiler,
    ) -> Vec<Tags> {
        let compiled = overrides(entries).map(|(path, over)| {
            let is_gauge = over.r#match.metric == Some(MetricChoice::One(StandardMetric::InFlight));
            let is_for_all = applies_to_in_flight(over) && !is_gauge;
            check_unique(over.tag_overrides.keys(), &format!("{path}.tagOverrides"), compiler);
            let tags = over.tag_overrides.iter();
            let compiled = tags.filter_map(|(name, config)| {
                let path = format!("{path}.tagOverrides.{name}");
                let name = name.in_metrics();
                if config.operation == Some(TagOperation::Remove) {
                    return Some(TagChange { name, source: None, is_late: false });
                }
                if !settings.is_labelled {
                    compiler.errors.add(path, "must not be given together with labels: false");
                    return None;
                }
                let is_late = is_for_all && is_late(config);
                let is_early = is_gauge || (is_for_all && !is_late);
                let phase = if is_early { Phase::Request } else { Phase::End };
                let source = self.label(&name, config, phase, &path, settings, compiler)?;
                Some(TagChange { name, source: Some(source), is_late })
            });
            compiled.collect()
        });
        compiled.collect()
    }

    /// Compiles the labels of a custom metric.
    pub(super) fn dimensions(
        &mut self,
        definition: &Definition,
        path: &str,
        settings: &Settings<'_>,
        compiler: &mut Compiler,
    ) -> Vec<(String, LabelSource)> {
        let path = format!("{path}.dimensions");
        let count = definition.dimensions.len();
        if count > MAX {
            compiler.errors.add(&path, format_args!("must have at most {MAX} labels, got {count}"));
        }
        if count > 0 && !settings.is_labelled {
            compiler.errors.add(&path, "must not be given together with labels: false");
            return Vec::new();
        }
        check_unique(definition.dimensions.keys(), &path, compiler);
        let dimensions = definition.dimensions.iter().filter_map(|(name, Dimension(config))| {
            let path = format!("{path}.{name}");
            if config.operation.is_some() {
                compiler.errors.add(
                    format_args!("{path}.operation"),
                    "must not be given: a definition inherits no labels",
                );
            }
            let name = name.in_metrics();
            let source = self.label(&name, config, Phase::End, &path, settings, compiler)?;
            Some((name, source))
        });
        dimensions.collect()
    }

    fn label(
        &mut self,
        name: &str,
        config: &LabelConfig,
        phase: Phase,
        path: &str,
        settings: &Settings<'_>,
        compiler: &mut Compiler,
    ) -> Option<LabelSource> {
        let label = Label::compile(config, phase, path, &mut compiler.reads, &mut compiler.errors)?;
        let own = config.max_values.map(|max| usize::try_from(max.get()).unwrap_or(usize::MAX));
        let max_values = (!label.is_bounded()).then_some(own.unwrap_or(settings.max_values));
        self.labels.push(CustomLabel { name: name.to_owned(), label, max_values });
        Some(LabelSource::Label(self.labels.len().saturating_sub(1)))
    }
}

/// Rejects names that become equal in metrics.
fn check_unique<'a>(
    names: impl Iterator<Item = &'a LabelName>,
    path: &str,
    compiler: &mut Compiler,
) {
    let mut seen = BTreeMap::new();
    for name in names {
        if let Some(other) = seen.insert(name.in_metrics(), name) {
            let rule =
                format_args!("must be unique, also in metrics; {other} becomes the same name");
            compiler.errors.add(format_args!("{path}.{name}"), rule);
        }
    }
}

/// Returns `true` if the value of a label is available only at the end of the stream.
fn is_late(config: &LabelConfig) -> bool {
    let compiled = config.value.as_ref().map(|text| {
        let mut reads = AttributeTable::default();
        Expression::compile(text.as_str(), Phase::Request, ResultKind::Scalar, &mut reads)
    });
    matches!(compiled, Some(Err(InvalidExpression::TooEarly { .. })))
}

/// Returns `true` if an override applies to the gauge, whose labels must be available at the
/// request.
fn applies_to_in_flight(over: &Override) -> bool {
    let all = matches!(over.r#match.metric, None | Some(MetricChoice::All));
    let all = all && over.r#match.custom_metric.is_none();
    all || over.r#match.metric == Some(MetricChoice::One(StandardMetric::InFlight))
}
