//! A metric while overrides change it.

use super::{
    Family, LabelSource, MetricSource, Plan, Settings, StandardMetric, StatusClass,
    tags::{TagChange, Tags},
};
use crate::{
    config::{Definition, MetricChoice, MetricSelector, Override, SloConfig},
    signals::metrics::MetricKind,
    stream::direction::Direction,
};

/// A metric of one direction.
pub(super) struct Draft {
    pub(super) family: Family,
    pub(super) labels: Vec<(String, LabelSource)>,
    /// The name of a definition as it is written.
    custom_name: Option<String>,
    is_disabled: bool,
}

impl Draft {
    /// Lists every metric as it is before overrides.
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
            Self { labels, is_disabled: metric.counts_messages(), ..Self::of(family) }
        });
        let classes = StatusClass::ALL.into_iter().filter(|_| !settings.is_labelled);
        let classes = classes.map(|class| {
            Self::of(family(
                settings,
                &class.name(),
                MetricKind::Counter,
                MetricSource::Class(class),
            ))
        });
        let slos = slos.iter().enumerate().flat_map(|(place, slo)| {
            let name = slo.name.as_str();
            [("", MetricSource::SloTotal(place)), ("good_", MetricSource::SloGood(place))].map(
                |(good, source)| {
                    let (name, labels) = if settings.is_labelled {
                        let label = ("slo".to_owned(), LabelSource::Slo(place));
                        (format!("slo_{good}total"), vec![label])
                    } else {
                        (format!("slo_{name}_{good}total"), Vec::new())
                    };
                    Self {
                        labels,
                        ..Self::of(family(settings, &name, MetricKind::Counter, source))
                    }
                },
            )
        });
        let definitions = settings.definitions.iter().zip(dimensions).enumerate();
        let definitions = definitions.map(|(place, (definition, labels))| {
            let source = MetricSource::Definition(place);
            let family = family(settings, &full_name(definition), definition.r#type.kind(), source);
            let custom_name = Some(definition.name.as_str().to_owned());
            Self { labels: labels.clone(), custom_name, ..Self::of(family) }
        });
        standard.chain(classes).chain(slos).chain(definitions).collect()
    }

    fn of(family: Family) -> Self {
        Self { family, labels: Vec::new(), custom_name: None, is_disabled: false }
    }

    /// Applies an override that fits the direction.
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
            // They are the count of requests, split.
            MetricSource::Class(_) => StandardMetric::RequestCount,
            _ => return false,
        };
        match selector.metric {
            Some(MetricChoice::One(meant)) => metric == meant,
            None | Some(MetricChoice::All) => !metric.counts_messages(),
        }
    }

    /// Makes a plan of those that are not disabled.
    pub(super) fn plan(drafts: Vec<Self>) -> Plan {
        let mut plan = Plan::default();
        for draft in drafts.into_iter().filter(|draft| !draft.is_disabled) {
            plan.add(draft.family, &in_order(draft.labels));
        }
        plan
    }
}

/// Moves each label before the labels whose names end in its name.
///
/// Istio's tag pattern for `code` also matches the end of `response_code`; a pattern takes the first
/// match, which then is the label itself.
fn in_order(labels: Vec<(String, LabelSource)>) -> Vec<(String, LabelSource)> {
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

/// Returns the name of a definition behind the prefix.
pub(super) fn full_name(definition: &Definition) -> String {
    let name = definition.name.as_str();
    let is_counter = definition.r#type.kind() == MetricKind::Counter;
    let suffix = if is_counter && !name.ends_with("_total") { "_total" } else { "" };
    format!("{name}{suffix}")
}

/// Returns the labels that a standard metric has by itself.
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
