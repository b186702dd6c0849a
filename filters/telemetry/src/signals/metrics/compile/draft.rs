//! Metrics during the application of overrides.

use super::{
    Family, LabelSource, MetricSource, Plan, Settings, StandardMetric, StatusClass,
    tags::{TagChange, Tags},
};
use crate::{
    config::{Definition, MetricChoice, MetricSelector, Override, SloConfig},
    signals::metrics::MetricKind,
    stream::direction::Direction,
};

/// A metric of one listener direction, to which overrides are applied.
pub(super) struct Draft {
    pub(super) family: Family,
    pub(super) labels: Vec<(String, LabelSource)>,
    /// The name of a custom metric in the document.
    custom_name: Option<String>,
    is_disabled: bool,
}

impl Draft {
    /// Returns all metrics before overrides.
    pub(super) fn all(
        settings: &Settings<'_>,
        direction: Direction,
        has_operations: bool,
        slos: &[SloConfig],
        dimensions: &[Vec<(String, LabelSource)>],
    ) -> Vec<Self> {
        let standard = StandardMetric::ALL.into_iter().map(|metric| {
            let labels = labels(metric, settings.is_labelled, direction, has_operations);
            let family =
                family(settings, metric.name(), metric.kind(), MetricSource::Standard(metric));
            Self { labels, is_disabled: metric.counts_messages(), ..Self::new(family) }
        });
        let classes = StatusClass::ALL.into_iter().filter(|_| !settings.is_labelled);
        let classes = classes.map(|class| {
            Self::new(family(
                settings,
                &class.name(),
                MetricKind::Counter,
                MetricSource::Class(class),
            ))
        });
        let slos = slos.iter().enumerate().flat_map(|(index, slo)| {
            let name = slo.name.as_str();
            [("", MetricSource::SloTotal(index)), ("good_", MetricSource::SloGood(index))].map(
                |(good, source)| {
                    let (name, labels) = if settings.is_labelled {
                        let label = ("slo".to_owned(), LabelSource::Slo(index));
                        (format!("slo_{good}total"), vec![label])
                    } else {
                        (format!("slo_{name}_{good}total"), Vec::new())
                    };
                    Self {
                        labels,
                        ..Self::new(family(settings, &name, MetricKind::Counter, source))
                    }
                },
            )
        });
        let definitions = settings.definitions.iter().zip(dimensions).enumerate();
        let definitions = definitions.map(|(index, (definition, labels))| {
            let source = MetricSource::Definition(index);
            let family = family(settings, &full_name(definition), definition.r#type.kind(), source);
            let custom_name = Some(definition.name.as_str().to_owned());
            Self { labels: labels.clone(), custom_name, ..Self::new(family) }
        });
        standard.chain(classes).chain(slos).chain(definitions).collect()
    }

    fn new(family: Family) -> Self {
        Self { family, labels: Vec::new(), custom_name: None, is_disabled: false }
    }

    /// Applies an override that matches the direction.
    pub(super) fn apply(&mut self, over: &Override, tags: &Tags, settings: &Settings<'_>) {
        if !self.is_selected(&over.r#match) {
            return;
        }
        if let Some(is_disabled) = over.disabled {
            self.is_disabled = is_disabled;
        }
        if !settings.is_labelled || matches!(self.family.source, MetricSource::Class(_)) {
            return;
        }
        let is_gauge = self.family.source == MetricSource::Standard(StandardMetric::InFlight);
        for TagChange { name, source, .. } in tags.iter().filter(|tag| !(tag.is_late && is_gauge)) {
            self.labels.retain(|(known, _)| source.is_some() || known != name);
            let known = self.labels.iter_mut().find(|(known, _)| known == name);
            match (known, source) {
                (Some((_, known)), Some(source)) => *known = *source,
                (None, Some(source)) => self.labels.push((name.clone(), *source)),
                (_, None) => {}
            }
        }
    }

    fn is_selected(&self, selector: &MetricSelector) -> bool {
        if let Some(name) = &selector.custom_metric {
            return self.custom_name.as_deref() == Some(name.as_str());
        }
        let metric = match self.family.source {
            MetricSource::Standard(metric) => metric,
            // They are the request count, split by class.
            MetricSource::Class(_) => StandardMetric::RequestCount,
            MetricSource::SloTotal(_) | MetricSource::SloGood(_) | MetricSource::Definition(_) => {
                return false;
            }
        };
        match selector.metric {
            Some(MetricChoice::One(selected)) => metric == selected,
            None | Some(MetricChoice::All) => !metric.counts_messages(),
        }
    }

    /// Creates the plan of all metrics that are not disabled.
    pub(super) fn plan(drafts: Vec<Self>) -> Plan {
        let mut plan = Plan::default();
        for draft in drafts.into_iter().filter(|draft| !draft.is_disabled) {
            plan.add(draft.family, &sorted(draft.labels));
        }
        plan
    }
}

/// Sorts each label before the labels whose names end in its name.
///
/// Istio's tag pattern for `code` also matches the end of `response_code`. A pattern extracts its
/// first match, which then is the label itself.
fn sorted(labels: Vec<(String, LabelSource)>) -> Vec<(String, LabelSource)> {
    let mut ordered: Vec<(String, LabelSource)> = Vec::with_capacity(labels.len());
    for label in labels {
        let longer = ordered.iter().position(|(known, _)| known.ends_with(&label.0));
        ordered.insert(longer.unwrap_or(ordered.len()), label);
    }
    ordered
}

fn family(settings: &Settings<'_>, name: &str, kind: MetricKind, source: MetricSource) -> Family {
    let name = format!("{}_{name}", settings.prefix);
    Family { name, kind, source, max_series: settings.max_series(kind) }
}

/// Returns the full name of a custom metric without prefix.
pub(super) fn full_name(definition: &Definition) -> String {
    let name = definition.name.as_str();
    let is_counter = definition.r#type.kind() == MetricKind::Counter;
    let suffix = if is_counter && !name.ends_with("_total") { "_total" } else { "" };
    format!("{name}{suffix}")
}

/// Returns the default labels of a standard metric.
fn labels(
    metric: StandardMetric,
    is_labelled: bool,
    direction: Direction,
    has_operations: bool,
) -> Vec<(String, LabelSource)> {
    let has_method = !matches!(
        metric,
        StandardMetric::InFlight
            | StandardMetric::GrpcRequestMessages
            | StandardMetric::GrpcResponseMessages
    );
    let counts = metric == StandardMetric::RequestCount;
    let all = [
        ("reporter", LabelSource::Reporter(direction), true),
        ("request_method", LabelSource::Method, has_method),
        ("request_operation", LabelSource::Operation, has_operations),
        ("response_code", LabelSource::Code, counts),
        ("grpc_response_status", LabelSource::GrpcStatus, counts),
    ];
    let own = all.into_iter().filter(|(_, _, is_own)| *is_own && is_labelled);
    own.map(|(name, source, _)| (name.to_owned(), source)).collect()
}
