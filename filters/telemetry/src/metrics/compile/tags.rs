//! Labels that the document gives: dimensions of its own metrics, and changes of others.

use super::{LabelSource, Metrics, OwnLabel, settings::Settings};
use crate::{
    compiler::Compiler,
    config::{Definition, MetricChoice, MetricsEntry, Override},
    expression::Phase,
    label::{Dimension, Label, LabelConfig, TagOperation},
    metrics::Standard,
};

/// The labels that an override sets, and those that it removes.
pub(super) type Tags = Vec<(String, Option<LabelSource>)>;

/// The most labels of the document's own that a metric may have.
pub(super) const MOST: usize = 10;

/// Returns every override with its path, in the order in which they apply.
pub(super) fn overrides(
    entries: &[MetricsEntry],
) -> impl Iterator<Item = (String, &Override)> + use<'_> {
    entries.iter().enumerate().flat_map(|(entry, metrics)| {
        let overrides = metrics.overrides.iter().enumerate();
        overrides.map(move |(place, over)| (format!("metrics[{entry}].overrides[{place}]"), over))
    })
}

impl Metrics {
    /// Compiles the labels of every override.
    pub(super) fn tags(
        &mut self,
        entries: &[MetricsEntry],
        settings: &Settings<'_>,
        compiler: &mut Compiler,
    ) -> Vec<Tags> {
        let compiled = overrides(entries).map(|(path, over)| {
            let phase = if reaches_in_flight(over) { Phase::Request } else { Phase::End };
            let tags = over.tag_overrides.iter();
            let compiled = tags.filter_map(|(name, config)| {
                let path = format!("{path}.tagOverrides.{name}");
                let name = name.as_str().to_owned();
                if config.operation == Some(TagOperation::Remove) {
                    return Some((name, None));
                }
                if !settings.is_labelled {
                    compiler.problems.add(path, "must have metrics.labels: true beside it");
                    return None;
                }
                let source = self.label(&name, config, phase, &path, settings, compiler)?;
                Some((name, Some(source)))
            });
            compiled.collect()
        });
        compiled.collect()
    }

    /// Compiles the labels of a definition.
    pub(super) fn dimensions(
        &mut self,
        definition: &Definition,
        path: &str,
        settings: &Settings<'_>,
        compiler: &mut Compiler,
    ) -> Vec<(String, LabelSource)> {
        let path = format!("{path}.dimensions");
        let count = definition.dimensions.len();
        if count > MOST {
            compiler
                .problems
                .add(&path, format_args!("must have at most {MOST} labels, got {count}"));
        }
        if count > 0 && !settings.is_labelled {
            compiler.problems.add(&path, "must have metrics.labels: true beside it");
            return Vec::new();
        }
        let dimensions = definition.dimensions.iter().filter_map(|(name, Dimension(config))| {
            let path = format!("{path}.{name}");
            if config.operation.is_some() {
                compiler.problems.add(
                    format_args!("{path}.operation"),
                    "must not be given, a definition inherits no label",
                );
            }
            let name = name.as_str().to_owned();
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
        let label =
            Label::compile(config, phase, path, &mut compiler.reads, &mut compiler.problems)?;
        let own = config.max_values.map(|most| usize::try_from(most.get()).unwrap_or(usize::MAX));
        let max_values = (!label.is_closed()).then_some(own.unwrap_or(settings.max_values));
        self.labels.push(OwnLabel { name: name.to_owned(), label, max_values });
        Some(LabelSource::Label(self.labels.len().saturating_sub(1)))
    }
}

/// Says whether an override is about the gauge, whose labels are known at the request.
fn reaches_in_flight(over: &Override) -> bool {
    let all = matches!(over.r#match.metric, None | Some(MetricChoice::All));
    let all = all && over.r#match.custom_metric.is_none();
    all || over.r#match.metric == Some(MetricChoice::One(Standard::InFlight))
}
