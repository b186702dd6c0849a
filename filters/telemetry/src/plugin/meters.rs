//! The metrics of the traffic: which series a stream adds to, defined when they are first needed.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use filter_host::{
    metric_buffer::{BufferedMetric, MetricBuffer},
    property,
};

use super::{
    admitting::Shared,
    series::Series,
    values::{Labels, Values},
};
use crate::{
    Direction, Family, Findings, Group, LabelValue, LabelledName, MetricSource, OVERFLOW, Plan,
    Policy, StandardMetric, hash,
};

/// Every series that this worker has met.
pub(super) struct Meters {
    direction: OnceCell<Direction>,
    groups: RefCell<Vec<Rows>>,
    key: RefCell<Vec<LabelValue>>,
    values: Values,
    shared: Shared,
    buffer: MetricBuffer,
    expression_errors: BufferedMetric,
    counts_messages: bool,
}

/// The rows of one group.
#[derive(Default)]
struct Rows {
    known: HashMap<Box<[LabelValue]>, Rc<Row>>,
    /// The row of the last stream, which is often that of the next.
    last: Option<Rc<Row>>,
}

/// The series of one combination of labels, one for each family of its group.
struct Row {
    group: usize,
    key: Box<[LabelValue]>,
    series: Vec<Cell<Option<Series>>>,
}

impl Meters {
    /// Defines what is there whatever passes.
    pub(super) fn define(policy: &Policy, buffer: MetricBuffer) -> Self {
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
            groups: RefCell::default(),
            key: RefCell::default(),
            values: Values::new(policy),
            shared: Shared::new(metrics),
            expression_errors: buffer.counter("weir_telemetry_expression_errors_total"),
            buffer,
            counts_messages: metrics.counts_messages(),
        }
    }

    /// Returns the side that the listener is on, which only a stream can tell.
    pub(super) fn direction(&self) -> Direction {
        *self.direction.get_or_init(direction)
    }

    /// Says whether messages of gRPC are counted.
    pub(super) const fn counts_messages(&self) -> bool {
        self.counts_messages
    }

    /// Counts an expression that failed.
    pub(super) fn expression_failed(&self) {
        self.buffer.add(self.expression_errors, 1);
    }

    /// Hands over what was counted.
    pub(super) fn flush(&self) {
        self.buffer.flush();
    }

    /// Takes back the one that [`Meters::enter`] added.
    pub(super) fn leave(&self, gauge: BufferedMetric) {
        self.buffer.add(gauge, -1);
    }

    /// Adds one to the gauge of streams like this one, and returns it.
    pub(super) fn enter(&self, labels: Labels<'_>) -> Option<BufferedMetric> {
        let plan = labels.policy.plan(self.direction());
        let wanted = MetricSource::Standard(StandardMetric::InFlight);
        plan.groups.iter().enumerate().find_map(|(number, group)| {
            let index = group.families.iter().position(|family| family.source == wanted)?;
            let row = self.row(number, group, plan, labels);
            self.series(&row, index, group, plan, labels.policy)?.enter(&self.buffer)
        })
    }

    /// Adds a stream that has ended to every series that it is about.
    pub(super) fn record(&self, labels: Labels<'_>, findings: &Findings) {
        let plan = labels.policy.plan(self.direction());
        for (number, group) in plan.groups.iter().enumerate() {
            let mut row = None;
            for (index, family) in group.families.iter().enumerate() {
                let Some(value) = family.observation(labels.record, findings) else { continue };
                let row = row.get_or_insert_with(|| self.row(number, group, plan, labels));
                if let Some(series) = self.series(row, index, group, plan, labels.policy) {
                    series.take(value, &self.buffer);
                }
            }
        }
    }

    /// Finds the row of a stream, or opens one that is not kept before it has a series.
    fn row(&self, number: usize, group: &Group, plan: &Plan, labels: Labels<'_>) -> Rc<Row> {
        let sources = group.labels.iter().filter_map(|(_, place)| plan.sources.get(*place));
        let mut key = self.key.borrow_mut();
        key.clear();
        key.extend(sources.map(|source| {
            self.values.number(*source, labels, &self.shared, || self.expression_failed())
        }));
        self.kept(number, &key).unwrap_or_else(|| Row::open(number, &key, group))
    }

    /// Returns the row of a group under a key, where one is kept.
    fn kept(&self, number: usize, key: &[LabelValue]) -> Option<Rc<Row>> {
        let mut groups = self.groups.borrow_mut();
        let rows = groups.get_mut(number)?;
        if rows.last.as_ref().is_none_or(|last| *last.key != *key) {
            rows.last = Some(Rc::clone(rows.known.get(key)?));
        }
        rows.last.clone()
    }

    fn keep(&self, row: &Rc<Row>) {
        let mut groups = self.groups.borrow_mut();
        if groups.len() <= row.group {
            groups.resize_with(row.group.saturating_add(1), Rows::default);
        }
        if let Some(rows) = groups.get_mut(row.group) {
            rows.known.entry(row.key.clone()).or_insert_with(|| Rc::clone(row));
        }
    }

    /// Returns a series of a row; `None` only where the row has no such place.
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
        let name = self.name(row, family, group, plan, policy);
        let is_free = group.labels.is_empty() || row.is_reserved();
        if !is_free
            && !self.shared.admits_series(&family.name, family.max_series, hash(name.as_bytes()))
        {
            let key = vec![OVERFLOW; group.labels.len()];
            let reserved = self.kept(row.group, &key);
            let reserved = reserved.unwrap_or_else(|| Row::open(row.group, &key, group));
            return self.series(&reserved, index, group, plan, policy);
        }
        let series = Series::define(family, &name, &self.buffer);
        let is_folded = row.key.contains(&OVERFLOW);
        let series = if is_folded { series.overflowing(self.overflow(family)) } else { series };
        let is_first = row.series.iter().all(|cell| cell.get().is_none());
        cell.set(Some(series));
        self.keep(row);
        if is_first {
            self.begin_at_zero(row, group, plan, policy);
        }
        Some(series)
    }

    /// Defines the counters beside a row's first series: a rate over what begins at one, or a ratio
    /// to what is not there yet, would say nothing.
    fn begin_at_zero(&self, row: &Rc<Row>, group: &Group, plan: &Plan, policy: &Policy) {
        for (index, family) in group.families.iter().enumerate() {
            if matches!(
                family.source,
                MetricSource::Standard(StandardMetric::ErrorCount) | MetricSource::SloGood(_)
            ) {
                self.series(row, index, group, plan, policy);
            }
        }
    }

    /// Defines the counter of what a family folds into `other`.
    fn overflow(&self, family: &Family) -> BufferedMetric {
        let labels = [("metric", family.name.clone())];
        let name = LabelledName { family: "weir_telemetry_overflow_total", labels: &labels };
        self.buffer.counter(&name.to_string())
    }

    fn name(
        &self,
        row: &Row,
        family: &Family,
        group: &Group,
        plan: &Plan,
        policy: &Policy,
    ) -> String {
        let labels = group.labels.iter().zip(&row.key).filter_map(|((name, place), number)| {
            let source = plan.sources.get(*place)?;
            Some((name.as_str(), self.values.text(*source, *number, policy)?))
        });
        let labels: Vec<_> = labels.collect();
        LabelledName { family: &family.name, labels: &labels }.to_string()
    }
}

impl Row {
    fn open(number: usize, key: &[LabelValue], group: &Group) -> Rc<Self> {
        Rc::new(Self {
            group: number,
            key: key.into(),
            series: group.families.iter().map(|_| Cell::new(None)).collect(),
        })
    }

    /// Says whether it is the row for everything beyond the limits.
    fn is_reserved(&self) -> bool {
        self.key.iter().all(|number| *number == OVERFLOW)
    }
}

/// Reads on which side the listener is; a plain Envoy says nothing.
fn direction() -> Direction {
    let number = property::read(&["xds", "listener_direction"]).ok().flatten();
    let number = number.and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    number.map(Direction::from_number).unwrap_or_default()
}
