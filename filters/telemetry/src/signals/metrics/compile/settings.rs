//! Fields of `metrics` that at most one entry may set.

use filter_core::ConfigErrors;

use super::tags::overrides;
use crate::{
    config::{Definition, LabelConfig, MetricsConfig, ShortName, TagOperation},
    signals::metrics::{DEFAULT_PREFIX, MetricKind},
};

/// Settings of all metrics of a document.
#[derive(Clone, Debug)]
pub(super) struct Settings<'a> {
    pub(super) is_labelled: bool,
    /// The path of the first field that sets a label; `None` if `labels` is given.
    pub(super) implied_by: Option<String>,
    pub(super) prefix: String,
    pub(super) definitions: &'a [Definition],
    /// The path of the entry with the definitions.
    pub(super) definitions_path: String,
    pub(super) max_values: usize,
    pub(super) max_value_bytes: usize,
    max_series: Option<usize>,
}

const MAX_SERIES: usize = 1_000;
const MAX_HISTOGRAM_SERIES: usize = 250;
const MAX_VALUES: u64 = 100;
const MAX_VALUE_BYTES: u64 = 64;

impl<'a> Settings<'a> {
    pub(super) fn new(entries: &'a [MetricsConfig], errors: &mut ConfigErrors) -> Self {
        let definitions =
            only_entry(entries, "definitions", |entry| entry.definitions.as_ref(), errors);
        let prefix = only_entry(entries, "prefix", |entry| entry.prefix.as_ref(), errors);
        let max_series = only_entry(entries, "maxSeries", |entry| entry.max_series, errors);
        let max_values = only_entry(entries, "maxValues", |entry| entry.max_values, errors);
        let max_bytes = only_entry(entries, "maxValueBytes", |entry| entry.max_value_bytes, errors);
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let is_labelled =
            only_entry(entries, "labels", |entry| entry.labels, errors).map(|(_, labels)| labels);
        let implied_by = implied_by(entries).filter(|_| is_labelled.is_none());
        Self {
            is_labelled: is_labelled.unwrap_or(implied_by.is_some()),
            implied_by,
            prefix: prefix
                .map_or(DEFAULT_PREFIX, |(_, prefix)| ShortName::as_str(prefix))
                .to_owned(),
            definitions: definitions.map(|(_, all)| all.as_slice()).unwrap_or_default(),
            definitions_path: format!("metrics[{}]", definitions.map_or(0, |(entry, _)| entry)),
            max_values: size(max_values.map_or(MAX_VALUES, |(_, max)| max.get())),
            max_value_bytes: size(max_bytes.map_or(MAX_VALUE_BYTES, |(_, max)| max.get())),
            max_series: max_series.map(|(_, max)| size(max.get())),
        }
    }

    /// Returns the maximum number of series of a metric.
    pub(super) fn max_series(&self, kind: MetricKind) -> usize {
        self.max_series.unwrap_or(match kind {
            MetricKind::Histogram => MAX_HISTOGRAM_SERIES,
            MetricKind::Counter | MetricKind::Gauge => MAX_SERIES,
        })
    }
}

/// Returns `true` if the metrics of a document have labels.
pub(crate) fn is_labelled(entries: &[MetricsConfig]) -> bool {
    let given = entries.iter().find_map(|entry| entry.labels);
    given.unwrap_or_else(|| implied_by(entries).is_some())
}

/// Returns the path of the first field that sets a label.
fn implied_by(entries: &[MetricsConfig]) -> Option<String> {
    let is_set = |label: &LabelConfig| label.operation != Some(TagOperation::Remove);
    let tags = overrides(entries)
        .find(|(_, over)| over.tag_overrides.values().any(is_set))
        .map(|(path, _)| format!("{path}.tagOverrides"));
    tags.or_else(|| {
        entries.iter().enumerate().find_map(|(entry, metrics)| {
            let definitions = metrics.definitions.as_deref().unwrap_or_default();
            let index =
                definitions.iter().position(|definition| !definition.dimensions.is_empty())?;
            Some(format!("metrics[{entry}].definitions[{index}].dimensions"))
        })
    })
}

/// Returns the index of the first entry with a field, and the field. Reports any further entry with
/// it.
fn only_entry<'a, T>(
    entries: &'a [MetricsConfig],
    name: &str,
    field: impl Fn(&'a MetricsConfig) -> Option<T>,
    errors: &mut ConfigErrors,
) -> Option<(usize, T)> {
    let mut all =
        entries.iter().enumerate().filter_map(|(index, entry)| Some((index, field(entry)?)));
    let first = all.next()?;
    for (index, _) in all {
        errors.add(
            format_args!("metrics[{index}].{name}"),
            format_args!("must be given in one entry only, metrics[{}] has it too", first.0),
        );
    }
    Some(first)
}
