//! From the document's `metrics` to the plans of each direction.

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

/// The metrics of a document, made ready.
#[derive(Debug, Default)]
pub struct Metrics {
    plans: [Plan; 3],
    /// The labels of the document, each at the place that [`LabelSource::Label`] names.
    pub labels: Vec<CustomLabel>,
    /// The metrics of the document, each at the place that [`MetricSource::Definition`] names.
    pub definitions: Vec<CustomMetric>,
    /// Names of the objectives.
    pub slo_names: Vec<String>,
    /// Whether names carry labels.
    pub is_labelled: bool,
    /// Bytes of a value; longer ones are cut.
    pub max_value_bytes: usize,
}

/// A label of the document.
#[derive(Debug)]
pub struct CustomLabel {
    /// Its name.
    pub name: String,
    /// Where its value comes from.
    pub label: Label,
    /// How many values it may have; `None` where the document itself lists them.
    pub max_values: Option<usize>,
}

/// A metric of the document.
#[derive(Debug)]
pub struct CustomMetric {
    /// What is added, recorded or set; 1 if absent.
    pub value: Option<Expression>,
    /// Which streams; all if absent.
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
        let settings = Settings::gather(entries, &mut compiler.errors);
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
        for (plan, direction) in Direction::ALL.into_iter().enumerate() {
            let mut drafts = Draft::all(&settings, direction, has_operations, slos, &dimensions);
            for ((_, over), tags) in tags::overrides(entries).zip(&tags) {
                if over.r#match.mode.fits(direction) {
                    drafts.iter_mut().for_each(|draft| draft.apply(over, tags, &settings));
                }
            }
            check::drafts(&drafts, &mut compiler.errors);
            if let Some(place) = metrics.plans.get_mut(plan) {
                *place = Draft::plan(drafts);
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

    /// Says whether any direction has a family or label of this kind.
    pub(crate) fn uses(&self, source: LabelSource) -> bool {
        self.plans.iter().any(|plan| plan.sources.contains(&source))
    }

    /// Says whether messages of gRPC are counted in any direction.
    #[must_use]
    pub fn counts_messages(&self) -> bool {
        let families = self.plans.iter().flat_map(|plan| &plan.groups).flat_map(|it| &it.families);
        families.into_iter().any(
            |family| matches!(family.source, MetricSource::Standard(standard) if standard.counts_messages()),
        )
    }

    /// Returns the names of all labels that the proxy must split off names; none without labels.
    #[must_use]
    pub fn label_names(&self) -> BTreeSet<&str> {
        let groups = self.plans.iter().flat_map(|plan| &plan.groups);
        let labels = groups.flat_map(|group| &group.labels).map(|(name, _)| name.as_str());
        labels
            .chain(self.is_labelled.then_some(["metric", "reason"]).into_iter().flatten())
            .collect()
    }

    /// Compiles the definitions; returns the labels of each.
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
