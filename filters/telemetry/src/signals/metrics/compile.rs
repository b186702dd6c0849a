//! Compiles `metrics` to one plan per listener direction.

use filter_core::Warning;
use std::collections::BTreeSet;

use super::{Family, LabelSource, MetricSource, Plan, StandardMetric, StatusClass};
use crate::{
    config::{MetricsConfig, SloConfig},
    expression::{Expression, Phase, ResultKind},
    policy::compiler::Compiler,
    signals::filter::Filter,
    signals::label::Label,
    stream::direction::Direction,
};

mod check;
mod draft;
mod settings;
mod tags;

pub(crate) use self::settings::is_labelled;
use self::{draft::Draft, settings::Settings};

/// The compiled metrics of a document.
#[derive(Debug, Default)]
pub struct Metrics {
    plans: [Plan; 3],
    /// The configured labels, indexed by [`LabelSource::Label`].
    pub labels: Vec<CustomLabel>,
    /// The custom metrics, indexed by [`MetricSource::Definition`].
    pub definitions: Vec<CustomMetric>,
    /// The names of the objectives.
    pub slo_names: Vec<String>,
    /// Whether metric names carry labels.
    pub is_labelled: bool,
    /// Maximum length of a label value in bytes; longer values are cut.
    pub max_value_bytes: usize,
}

/// A configured label.
#[derive(Debug)]
pub struct CustomLabel {
    /// The name.
    pub name: String,
    /// The source of its value.
    pub label: Label,
    /// Maximum number of values in the whole proxy; `None` if the document bounds the values.
    pub max_values: Option<usize>,
}

/// A custom metric.
#[derive(Debug)]
pub struct CustomMetric {
    /// The number to add, record or set. Default: 1.
    pub value: Option<Expression>,
    /// Streams to measure. Default: all.
    pub filter: Option<Filter>,
}

impl Metrics {
    /// Compiles the metrics of a document.
    pub(crate) fn compile(
        entries: &[MetricsConfig],
        slos: &[SloConfig],
        has_operations: bool,
        compiler: &mut Compiler,
    ) -> Self {
        let settings = Settings::new(entries, &mut compiler.errors);
        check::definitions(&settings, slos, &mut compiler.errors);
        check::selectors(entries, &settings, &mut compiler.errors);
        let mut metrics = Self {
            slo_names: slos.iter().map(|slo| slo.name.as_str().to_owned()).collect(),
            is_labelled: settings.is_labelled,
            max_value_bytes: settings.max_value_bytes,
            ..Self::default()
        };
        let dimensions = metrics.definitions(&settings, compiler);
        let tags = metrics.tags(entries, &settings, compiler);
        for (index, direction) in Direction::ALL.into_iter().enumerate() {
            let mut drafts = Draft::all(&settings, direction, has_operations, slos, &dimensions);
            for ((_, over), tags) in tags::overrides(entries).zip(&tags) {
                if over.r#match.mode.fits(direction) {
                    drafts.iter_mut().for_each(|draft| draft.apply(over, tags, &settings));
                }
            }
            check::drafts(&drafts, &mut compiler.errors);
            if let Some(plan) = metrics.plans.get_mut(index) {
                *plan = Draft::plan(drafts);
            }
        }
        check::label_names(&metrics.plans, &mut compiler.errors);
        if let Some(path) = &settings.implied_by {
            let names = metrics.label_names().into_iter().collect::<Vec<_>>().join(", ");
            let message = format!(
                "adds labels to metrics; list them in extraStatTags (plain Envoy: stats_tags): {names}"
            );
            compiler.warnings.push(Warning::new(path, message));
        }
        metrics
    }

    /// Returns the families of a direction.
    #[must_use]
    pub const fn plan(&self, direction: Direction) -> &Plan {
        let [unspecified, inbound, outbound] = &self.plans;
        match direction {
            Direction::Unspecified => unspecified,
            Direction::Inbound => inbound,
            Direction::Outbound => outbound,
        }
    }

    /// Returns `true` if any direction has a label from this source.
    pub(crate) fn uses(&self, source: LabelSource) -> bool {
        self.plans.iter().any(|plan| plan.sources.contains(&source))
    }

    /// Returns `true` if gRPC messages are counted in any direction.
    #[must_use]
    pub fn counts_messages(&self) -> bool {
        let families =
            self.plans.iter().flat_map(|plan| &plan.groups).flat_map(|group| &group.families);
        families.into_iter().any(
            |family| matches!(family.source, MetricSource::Standard(standard) if standard.counts_messages()),
        )
    }

    /// Returns the names of the labels that Envoy must extract from metric names; empty if names
    /// carry no labels.
    #[must_use]
    pub fn label_names(&self) -> BTreeSet<&str> {
        let groups = self.plans.iter().flat_map(|plan| &plan.groups);
        let labels = groups.flat_map(|group| &group.labels).map(|(name, _)| name.as_str());
        labels
            .chain(self.is_labelled.then_some(["metric", "reason"]).into_iter().flatten())
            .collect()
    }

    /// Compiles the custom metrics and returns the labels of each.
    fn definitions(
        &mut self,
        settings: &Settings<'_>,
        compiler: &mut Compiler,
    ) -> Vec<Vec<(String, LabelSource)>> {
        let mut dimensions = Vec::new();
        for (index, definition) in settings.definitions.iter().enumerate() {
            let path = format!("{}.definitions[{index}]", settings.definitions_path);
            let value = definition.value.as_ref().and_then(|text| {
                compiler.expression(text, Phase::End, ResultKind::Number, &format!("{path}.value"))
            });
            let filter = definition
                .filter
                .as_ref()
                .and_then(|filter| compiler.filter(filter, Phase::End, &format!("{path}.filter")));
            self.definitions.push(CustomMetric { value, filter });
            dimensions.push(self.dimensions(definition, &path, settings, compiler));
        }
        dimensions
    }
}

#[cfg(test)]
mod tests;
