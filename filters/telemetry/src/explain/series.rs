//! The metric series that a stream updates.

use filter_core::label_value;

use super::SeriesUpdate;
use crate::{
    CompletedStream, Direction, Group, LabelSource, Measurements, MetricSource, Policy, Record,
    StandardMetric, expression::Attributes, signals::label::UNKNOWN,
};

impl Policy {
    /// Returns the updates of metric series.
    pub(super) fn series_updates(
        &self,
        direction: Direction,
        ended: &CompletedStream<'_>,
        measurements: &Measurements,
        failed: &mut impl FnMut(),
    ) -> Vec<SeriesUpdate> {
        let mut series_updates = Vec::new();
        for group in &self.plan(direction).groups {
            let in_flight = MetricSource::Standard(StandardMetric::InFlight);
            let numbers: Vec<_> = group
                .families
                .iter()
                .map(|family| (family, family.observation(ended.record, measurements)))
                .filter(|(family, number)| number.is_some() || family.source == in_flight)
                .collect();
            if numbers.is_empty() {
                continue;
            }
            let labels = self.labels(direction, group, ended, failed);
            series_updates.extend(numbers.into_iter().map(|(family, number)| SeriesUpdate {
                name: family.name.clone(),
                kind: family.kind,
                labels: labels.clone(),
                number,
            }));
        }
        series_updates
    }

    fn labels(
        &self,
        direction: Direction,
        group: &Group,
        ended: &CompletedStream<'_>,
        failed: &mut impl FnMut(),
    ) -> Vec<(String, String)> {
        let sources = &self.plan(direction).sources;
        let mut labels = Vec::new();
        for (name, index) in &group.labels {
            let Some(source) = sources.get(*index) else { continue };
            let text = match source {
                LabelSource::Label(index) => {
                    self.configured_label(*index, ended.attributes, failed)
                }
                LabelSource::Slo(_) => fixed(*source, ended.record, &self.metrics().slo_names),
                LabelSource::Reporter(_)
                | LabelSource::Method
                | LabelSource::Operation
                | LabelSource::Code
                | LabelSource::GrpcStatus => {
                    fixed(*source, ended.record, self.operations().names())
                }
            };
            labels.extend(text.map(|text| (name.clone(), text)));
        }
        labels
    }

    fn configured_label(
        &self,
        index: usize,
        at: &dyn Attributes,
        failed: &mut impl FnMut(),
    ) -> Option<String> {
        let configured = self.metrics().labels.get(index)?;
        let value = configured.label.apply(at).unwrap_or_else(|_| {
            failed();
            UNKNOWN.into()
        });
        Some(label_value(value.get(..self.metrics().max_value_bytes).unwrap_or(&value)))
    }
}

fn fixed(source: LabelSource, record: &Record, names: &[String]) -> Option<String> {
    source.text(source.value(record)?, names)
}
