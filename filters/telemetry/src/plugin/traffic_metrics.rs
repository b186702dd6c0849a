//! Metrics of the traffic. A series is defined when the first stream adds to it.

use std::{
    cell::{OnceCell, RefCell},
    rc::Rc,
};

use filter_host::{
    metric_buffer::{BufferedMetric, MetricBuffer},
    property,
};

use super::{
    cardinality::SharedLimits,
    label_values::{LabelInputs, LabelValues},
    rows::{Row, Rows},
    series::Series,
};
use crate::{
    Direction, Family, Group, LabelValue, LabelledName, Measurements, MetricSource, OVERFLOW, Plan,
    Policy, StandardMetric, hash,
};

/// The series that this worker has defined.
pub(super) struct TrafficMetrics {
    direction: OnceCell<Direction>,
    rows: Rows,
    /// The key of the current row, reused to save allocations.
    key: RefCell<Vec<LabelValue>>,
    values: LabelValues,
    limits: SharedLimits,
    buffer: MetricBuffer,
    expression_errors: BufferedMetric,
    counts_messages: bool,
}

impl TrafficMetrics {
    /// Defines the metrics that do not depend on the traffic: without labels, all of them.
    pub(super) fn define(policy: &Policy, plugin_key: &str, buffer: MetricBuffer) -> Self {
        let metrics = policy.metrics();
        if !metrics.is_labelled {
            let plan = policy.plan(Direction::Unspecified);
            let families = plan.groups.iter().flat_map(|group| &group.families);
            families.for_each(|family| {
                Series::define(family, &family.name, &buffer);
            });
        }
        Self {
            direction: OnceCell::new(),
            rows: Rows::default(),
            key: RefCell::default(),
            values: LabelValues::new(policy),
            limits: SharedLimits::new(metrics, plugin_key),
            expression_errors: buffer.counter("weir_telemetry_expression_errors_total"),
            buffer,
            counts_messages: metrics.counts_messages(),
        }
    }

    /// Returns the listener's direction, which can only be read in the context of a stream.
    pub(super) fn direction(&self) -> Direction {
        if let Some(known) = self.direction.get() {
            return *known;
        }
        let read = property::read(&["xds", "listener_direction"]);
        read.map(|number| *self.direction.get_or_init(|| direction(number))).unwrap_or_default()
    }

    /// Returns the buffer of counters.
    pub(super) const fn buffer(&self) -> &MetricBuffer {
        &self.buffer
    }

    /// Returns `true` if gRPC messages are counted.
    pub(super) const fn counts_messages(&self) -> bool {
        self.counts_messages
    }

    /// Counts a failed expression.
    pub(super) fn expression_failed(&self) {
        self.buffer.add(self.expression_errors, 1);
    }

    /// Writes the buffered counts to the proxy.
    pub(super) fn flush(&self) {
        self.limits.report();
        self.buffer.flush();
    }

    /// Decrements a gauge that [`TrafficMetrics::enter`] returned.
    pub(super) fn leave(&self, gauge: BufferedMetric) {
        self.buffer.add(gauge, -1);
    }

    /// Increments the gauge of running streams with these labels, and returns it.
    pub(super) fn enter(&self, inputs: LabelInputs<'_>) -> Option<BufferedMetric> {
        let plan = inputs.policy.plan(self.direction());
        let in_flight = MetricSource::Standard(StandardMetric::InFlight);
        plan.groups.iter().enumerate().find_map(|(group_index, group)| {
            let index = group.families.iter().position(|family| family.source == in_flight)?;
            let row = self.row(group_index, group, plan, inputs);
            self.series(&row, index, group, plan, inputs.policy)?.enter(&self.buffer)
        })
    }

    /// Adds a completed stream to its series.
    pub(super) fn record(&self, inputs: LabelInputs<'_>, measurements: &Measurements) {
        let plan = inputs.policy.plan(self.direction());
        for (group_index, group) in plan.groups.iter().enumerate() {
            let mut row = None;
            for (index, family) in group.families.iter().enumerate() {
                let Some(value) = family.observation(inputs.record, measurements) else { continue };
                let row = row.get_or_insert_with(|| self.row(group_index, group, plan, inputs));
                if let Some(series) = self.series(row, index, group, plan, inputs.policy) {
                    series.record(value, &self.buffer);
                }
            }
        }
    }

    /// Returns the row of a stream. A new row is kept once it has a series.
    fn row(
        &self,
        group_index: usize,
        group: &Group,
        plan: &Plan,
        inputs: LabelInputs<'_>,
    ) -> Rc<Row> {
        let sources = group.labels.iter().filter_map(|(_, index)| plan.sources.get(*index));
        let mut key = self.key.borrow_mut();
        key.clear();
        key.extend(sources.map(|source| {
            self.values.number(*source, inputs, &self.limits, || self.expression_failed())
        }));
        self.rows.get(group_index, &key).unwrap_or_else(|| Row::new(group_index, &key, group))
    }

    /// Returns a series of a row, and defines it on first use; `None` if `index` is out of range.
    fn series(
        &self,
        row: &Rc<Row>,
        index: usize,
        group: &Group,
        plan: &Plan,
        policy: &Policy,
    ) -> Option<Series> {
        let cell = row.series.get(index)?;
        if let Some(series) = cell.get() {
            return Some(series);
        }
        let family = group.families.get(index)?;
        let name = self.values.name(&row.key, family, group, plan, policy);
        let is_exempt = group.labels.is_empty() || row.is_overflow();
        if !is_exempt
            && !self.limits.admits_series(&family.name, family.max_series, hash(name.as_bytes()))
        {
            let key = vec![OVERFLOW; group.labels.len()];
            let overflow = self.rows.get(row.group, &key);
            let overflow = overflow.unwrap_or_else(|| Row::new(row.group, &key, group));
            return self.series(&overflow, index, group, plan, policy);
        }
        let series = Series::define(family, &name, &self.buffer);
        let has_overflow = row.key.contains(&OVERFLOW);
        let series =
            if has_overflow { series.with_overflow(self.overflow(family)) } else { series };
        let is_first = row.series.iter().all(|cell| cell.get().is_none());
        cell.set(Some(series));
        self.rows.keep(row);
        if is_first {
            self.define_zero_counters(row, group, plan, policy);
        }
        Some(series)
    }

    /// Defines the error and SLO counters of a new row at zero, so that rates and ratios exist from
    /// the first stream on.
    fn define_zero_counters(&self, row: &Rc<Row>, group: &Group, plan: &Plan, policy: &Policy) {
        for (index, family) in group.families.iter().enumerate() {
            if matches!(
                family.source,
                MetricSource::Standard(StandardMetric::ErrorCount) | MetricSource::SloGood(_)
            ) {
                self.series(row, index, group, plan, policy);
            }
        }
    }

    /// Defines the counter of streams that a family counts as `other`.
    fn overflow(&self, family: &Family) -> BufferedMetric {
        let labels = [("metric", family.name.clone())];
        let name = LabelledName { family: "weir_telemetry_overflow_total", labels: &labels };
        self.buffer.counter(&name.to_string())
    }
}

/// Decodes the listener's direction; a plain Envoy reports none.
fn direction(number: Option<Vec<u8>>) -> Direction {
    let number = number.and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    number.map(Direction::from_number).unwrap_or_default()
}
