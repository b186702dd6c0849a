//! Validation across fields of `metrics`.

use std::collections::{BTreeMap, BTreeSet};

use filter_core::ConfigErrors;

use super::{
    Draft, LabelSource, Plan, Settings, StandardMetric, StatusClass,
    draft::full_name,
    tags::{MAX, overrides},
};
use crate::config::{MetricsConfig, SloConfig};

/// Suffixes of names after which Istio's tag patterns would extract a tag.
const RESERVED_SUFFIXES: [&str; 5] = ["cache", "component", "tag", "wasm_filter", "rbac"];
/// The labelled metrics about the filter itself, with their labels.
const OWN_LABELS: [(&str, &str); 2] =
    [("weir_telemetry_overflow_total", "metric"), ("weir_telemetry_spans_dropped_total", "reason")];
const MAX_DEFINITIONS: usize = 64;

/// Checks the names of custom metrics and objectives.
pub(super) fn definitions(settings: &Settings<'_>, slos: &[SloConfig], errors: &mut ConfigErrors) {
    let path = &settings.definitions_path;
    let count = settings.definitions.len();
    if count > MAX_DEFINITIONS {
        let rule = format_args!("must have at most {MAX_DEFINITIONS} entries, got {count}");
        errors.add(format_args!("{path}.definitions"), rule);
    }
    let mut taken = taken_names(slos, errors);
    for (index, definition) in settings.definitions.iter().enumerate() {
        let path = format!("{path}.definitions[{index}].name");
        let name = definition.name.as_str();
        if let Some(end) = RESERVED_SUFFIXES.iter().find(|end| name.ends_with(*end)) {
            errors
                .add(&path, format_args!("must not end in {end}: Istio would extract a tag there"));
        }
        if let Some(by) = taken.insert(full_name(definition), format!("definitions[{index}]")) {
            errors.add(&path, format_args!("must be unique, {by} has \"{name}\" too"));
        }
    }
}

/// Returns the names of standard metrics and objectives.
fn taken_names(slos: &[SloConfig], errors: &mut ConfigErrors) -> BTreeMap<String, String> {
    let standard = StandardMetric::ALL.map(|metric| metric.name().to_owned()).into_iter();
    let classes = StatusClass::ALL.map(StatusClass::name).into_iter();
    let labelled = ["slo_total", "slo_good_total"].map(str::to_owned).into_iter();
    let all = standard.chain(classes).chain(labelled);
    let mut taken: BTreeMap<_, _> = all.map(|name| (name, "the filter".to_owned())).collect();
    for (index, slo) in slos.iter().enumerate() {
        let name = slo.name.as_str();
        for family in [format!("slo_{name}_total"), format!("slo_{name}_good_total")] {
            if let Some(by) = taken.insert(family, format!("slos[{index}]")) {
                let rule = format_args!("must be unique, also in metrics; {by} has \"{name}\" too");
                errors.add(format_args!("slos[{index}].name"), rule);
                break;
            }
        }
    }
    taken
}

/// Checks that overrides select existing metrics.
pub(super) fn selectors(
    entries: &[MetricsConfig],
    settings: &Settings<'_>,
    errors: &mut ConfigErrors,
) {
    for (path, over) in overrides(entries) {
        let selector = &over.r#match;
        if selector.metric.is_some() && selector.custom_metric.is_some() {
            errors.add(format_args!("{path}.match"), "must have one of metric and customMetric");
        }
        let Some(name) = &selector.custom_metric else { continue };
        if !settings.definitions.iter().any(|definition| definition.name == *name) {
            let rule = format_args!("must be the name of a definition, got \"{}\"", name.as_str());
            errors.add(format_args!("{path}.match.customMetric"), rule);
        }
    }
}

/// Checks the number of configured labels of each metric.
pub(super) fn drafts(drafts: &[Draft], errors: &mut ConfigErrors) {
    let own = |draft: &&Draft| {
        let own = draft.labels.iter().filter(|(_, source)| matches!(source, LabelSource::Label(_)));
        own.count() > MAX
    };
    if let Some(draft) = drafts.iter().find(own) {
        let name = &draft.family.name;
        errors.add("metrics", format_args!("must have at most {MAX} configured labels for {name}"));
    }
}

/// Rejects a label whose name ends in the name of a label that the metric does not have, because
/// Istio's pattern for the latter would extract the value of the former.
pub(super) fn label_names(plans: &[Plan], errors: &mut ConfigErrors) {
    let groups =
        || plans.iter().flat_map(|plan| plan.groups.iter().map(move |group| (plan, group)));
    let labels = groups().flat_map(|(_, group)| &group.labels).map(|(name, _)| name.as_str());
    let mut names: BTreeSet<&str> = labels.collect();
    if names.is_empty() {
        return;
    }
    names.extend(OWN_LABELS.map(|(_, label)| label));
    let mut clashes = BTreeMap::new();
    let mut check = |family: &str, present: &[&str], label: &str| {
        let is_taken = |other: &&&str| label.ends_with(**other) && label != **other;
        if let Some(other) = names.iter().filter(is_taken).find(|other| !present.contains(*other)) {
            clashes.entry((label.to_owned(), *other)).or_insert_with(|| family.to_owned());
        }
    };
    for (plan, group) in groups() {
        // A series may have no gRPC status.
        let is_always_present =
            |index: &usize| plan.sources.get(*index) != Some(&LabelSource::GrpcStatus);
        let present = group.labels.iter().filter(|(_, index)| is_always_present(index));
        let present: Vec<&str> = present.map(|(name, _)| name.as_str()).collect();
        let family = group.families.first().map(|family| family.name.as_str()).unwrap_or_default();
        group.labels.iter().for_each(|(label, _)| check(family, &present, label));
    }
    OWN_LABELS.iter().for_each(|(family, label)| check(family, &[label], label));
    for ((label, other), family) in clashes {
        let rule = format_args!(
            "must not have the label {label} for {family}: Istio's tag pattern for {other} matches the end \
             of its name and would extract its value; rename one of them"
        );
        errors.add("metrics", rule);
    }
}
