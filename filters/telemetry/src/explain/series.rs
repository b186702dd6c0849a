//! What a stream adds to which series.

use filter_core::label_value;

use super::SeriesUpdate;
use crate::{
    CompletedStream, Direction, Group, LabelSource, Measurements, MetricSource, Policy, Record,
    StandardMetric, expression::Attributes, signals::label::UNKNOWN,
};

impl Policy {
    /// Returns what a stream adds to which series.
    pub(super) fn series_updates(
        &self,
        direction: Direction,
        ended: &CompletedStream<'_>,
        measurements: &Measurements,
        failed: &mut impl FnMut(),
    ) -> Vec<SeriesUpdate> {
        let mut series_updates = Vec::new();
        for group in &self.plan(direction).groups {
            let running = MetricSource::Standard(StandardMetric::InFlight);
            let numbers: Vec<_> = group
                .families
                .iter()
                .map(|family| (family, family.observation(ended.record, measurements)))
                .filter(|(family, number)| number.is_some() || family.source == running)
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
        for (name, place) in &group.labels {
            let Some(source) = sources.get(*place) else { continue };
            let text = match source {
                LabelSource::Label(place) => self.own_label(*place, ended.attributes, failed),
                LabelSource::Slo(_) => fixed(*source, ended.record, &self.metrics().slo_names),
                _ => fixed(*source, ended.record, self.operations().names()),
            };
            labels.extend(text.map(|text| (name.clone(), text)));
        }
        labels
    }

    fn own_label(
        &self,
        place: usize,
        at: &dyn Attributes,
        failed: &mut impl FnMut(),
    ) -> Option<String> {
        let own = self.metrics().labels.get(place)?;
        let value = own.label.apply(at).unwrap_or_else(|_| {
            failed();
            UNKNOWN.into()
        });
        Some(label_value(value.get(..self.metrics().max_value_bytes).unwrap_or(&value)))
    }
}

fn fixed(source: LabelSource, record: &Record, names: &[String]) -> Option<String> {
    source.text(source.value(record)?, names)
}
