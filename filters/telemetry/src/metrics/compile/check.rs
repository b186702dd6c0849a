//! Rules between fields of `metrics`.

use std::collections::{BTreeMap, BTreeSet};

use filter_core::Problems;

use super::{
    Draft, LabelSource, Plan, Settings, Standard, StatusClass,
    draft::full_name,
    tags::{MOST, overrides},
};
use crate::config::{MetricsEntry, SloConfig};

/// Ends of names behind which Istio's own tag patterns would bite.
const BITTEN_ENDS: [&str; 5] = ["cache", "component", "tag", "wasm_filter", "rbac"];
const MOST_DEFINITIONS: usize = 64;

/// Checks the names of the document's own metrics and objectives.
pub(super) fn definitions(settings: &Settings<'_>, slos: &[SloConfig], problems: &mut Problems) {
    let path = &settings.definitions_path;
    let count = settings.definitions.len();
    if count > MOST_DEFINITIONS {
        let rule = format_args!("must have at most {MOST_DEFINITIONS} entries, got {count}");
        problems.add(format_args!("{path}.definitions"), rule);
    }
    let mut taken = taken_names(slos, problems);
    for (index, definition) in settings.definitions.iter().enumerate() {
        let path = format!("{path}.definitions[{index}].name");
        let name = definition.name.as_str();
        if let Some(end) = BITTEN_ENDS.iter().find(|end| name.ends_with(*end)) {
            problems
                .add(&path, format_args!("must not end in {end}, Istio would read a tag there"));
        }
        if let Some(by) = taken.insert(full_name(definition), format!("definitions[{index}]")) {
            problems.add(&path, format_args!("must be unique, {by} has \"{name}\" too"));
        }
    }
}

/// Lists the names that are there without definitions.
fn taken_names(slos: &[SloConfig], problems: &mut Problems) -> BTreeMap<String, String> {
    let standard = Standard::ALL.map(|metric| metric.name().to_owned()).into_iter();
    let classes = StatusClass::ALL.map(StatusClass::name).into_iter();
    let labelled = ["slo_total", "slo_good_total"].map(str::to_owned).into_iter();
    let all = standard.chain(classes).chain(labelled);
    let mut taken: BTreeMap<_, _> = all.map(|name| (name, "the filter".to_owned())).collect();
    for (index, slo) in slos.iter().enumerate() {
        let name = slo.name.as_str();
        for family in [format!("slo_{name}_total"), format!("slo_{name}_good_total")] {
            if let Some(by) = taken.insert(family, format!("slos[{index}]")) {
                let rule = format_args!("must be unique, also in metrics; {by} has \"{name}\" too");
                problems.add(format_args!("slos[{index}].name"), rule);
                break;
            }
        }
    }
    taken
}

/// Checks that overrides speak of metrics that there are.
pub(super) fn selectors(
    entries: &[MetricsEntry],
    settings: &Settings<'_>,
    problems: &mut Problems,
) {
    for (path, over) in overrides(entries) {
        let selector = &over.r#match;
        if selector.metric.is_some() && selector.custom_metric.is_some() {
            problems.add(format_args!("{path}.match"), "must have one of metric and customMetric");
        }
        let Some(name) = &selector.custom_metric else { continue };
        if !settings.definitions.iter().any(|definition| definition.name == *name) {
            let rule = format_args!("must be the name of a definition, got \"{}\"", name.as_str());
            problems.add(format_args!("{path}.match.customMetric"), rule);
        }
    }
}

/// Checks how many labels of the document's own each metric has.
pub(super) fn drafts(drafts: &[Draft], problems: &mut Problems) {
    let own = |draft: &&Draft| {
        let own = draft.labels.iter().filter(|(_, source)| matches!(source, LabelSource::Label(_)));
        own.count() > MOST
    };
    if let Some(draft) = drafts.iter().find(own) {
        let name = &draft.family.name;
        problems.add("metrics", format_args!("must give {name} at most {MOST} labels"));
    }
}

/// Refuses a label whose name is the end of another's: Envoy's pattern for it would match there.
pub(super) fn label_names(plans: &[Plan], problems: &mut Problems) {
    let labels = plans.iter().flat_map(|plan| &plan.groups).flat_map(|group| &group.labels);
    let mut names: BTreeSet<&str> = labels.map(|(name, _)| name.as_str()).collect();
    if !names.is_empty() {
        names.extend(["metric", "reason"]);
    }
    for short in &names {
        let long = names.iter().find(|long| long.ends_with(short) && long != &short);
        if let Some(long) = long {
            problems.add(
                "metrics",
                format_args!(
                    "must have no label whose name is the end of another's: {short} is that of {long}"
                ),
            );
        }
    }
}
