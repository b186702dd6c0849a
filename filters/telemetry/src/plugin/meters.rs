//! The metrics of the traffic: which series a stream adds to, defined when they are first needed.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use filter_host::{
    metrics::{Counter, Gauge},
    property,
};

use super::{admitting::Shared, series::Series, values::Values};
use crate::{
    Direction, FOLDED, Family, Findings, Group, LabelValue, Labelled, Plan, Policy, Record,
    Standard, What, expression::Attributes, hash,
};

/// Every series that this worker has met.
pub(super) struct Meters {
    direction: OnceCell<Direction>,
    rows: RefCell<HashMap<Place, Rc<Row>>>,
    values: Values,
    shared: Shared,
    expression_errors: Counter,
}

/// The number of a group, and the numbers of its labels' values.
type Place = (usize, Box<[LabelValue]>);

/// The series of one combination of labels, one for each family of its group.
struct Row {
    place: Place,
    series: Vec<Cell<Option<Series>>>,
}

/// What the labels of a stream are made of.
#[derive(Clone, Copy)]
pub(super) struct Labels<'a> {
    pub(super) policy: &'a Policy,
    pub(super) record: &'a Record,
    pub(super) at: &'a dyn Attributes,
}

impl Meters {
    /// Defines what is there whatever passes.
    pub(super) fn define(policy: &Policy) -> Self {
        let metrics = policy.metrics();
        if !metrics.is_labelled {
            let plan = policy.plan(Direction::Unspecified);
            let families = plan.groups.iter().flat_map(|group| &group.families);
            families.for_each(|family| {
                Series::define(family.kind, &family.name);
            });
        }
        Self {
            direction: OnceCell::new(),
            rows: RefCell::default(),
            values: Values::new(policy),
            shared: Shared::new(metrics),
            expression_errors: Counter::define("weir_telemetry_expression_errors_total"),
        }
    }

    /// Returns the side that the listener is on, which only a stream can tell.
    pub(super) fn direction(&self) -> Direction {
        *self.direction.get_or_init(direction)
    }

    /// Counts an expression that failed.
    pub(super) fn expression_failed(&self) {
        self.expression_errors.increment();
    }

    /// Adds one to the gauge of streams like this one, and returns it.
    pub(super) fn enter(&self, labels: Labels<'_>) -> Option<Gauge> {
        let plan = labels.policy.plan(self.direction());
        let wanted = What::Standard(Standard::InFlight);
        plan.groups.iter().enumerate().find_map(|(number, group)| {
            let index = group.families.iter().position(|family| family.what == wanted)?;
            let row = self.row(number, group, plan, labels);
            self.series(&row, index, group, plan, labels.policy)?.enter()
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
                    series.take(value);
                }
            }
        }
    }

    /// Finds the row of a stream, or opens one that is not kept before it has a series.
    fn row(&self, number: usize, group: &Group, plan: &Plan, labels: Labels<'_>) -> Rc<Row> {
        let sources = group.labels.iter().filter_map(|(_, place)| plan.sources.get(*place));
        let key = sources.map(|source| {
            self.values.number(*source, labels, &self.shared, || self.expression_failed())
        });
        let place = (number, key.collect());
        let known = self.rows.borrow().get(&place).map(Rc::clone);
        known.unwrap_or_else(|| Row::open(place, group))
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
            let reserved = (row.place.0, group.labels.iter().map(|_| FOLDED).collect());
            let known = self.rows.borrow().get(&reserved).map(Rc::clone);
            let reserved = known.unwrap_or_else(|| Row::open(reserved, group));
            return self.series(&reserved, index, group, plan, policy);
        }
        let series = Series::define(family.kind, &name);
        let is_folded = row.place.1.contains(&FOLDED);
        let series = if is_folded { series.overflowing(overflow(family)) } else { series };
        cell.set(Some(series));
        self.rows.borrow_mut().entry(row.place.clone()).or_insert_with(|| Rc::clone(row));
        Some(series)
    }

    fn name(
        &self,
        row: &Row,
        family: &Family,
        group: &Group,
        plan: &Plan,
        policy: &Policy,
    ) -> String {
        let labels = group.labels.iter().zip(&row.place.1).filter_map(|((name, place), number)| {
            let source = plan.sources.get(*place)?;
            Some((name.as_str(), self.values.text(*source, *number, policy)?))
        });
        let labels: Vec<_> = labels.collect();
        Labelled { family: &family.name, labels: &labels }.to_string()
    }
}

impl Row {
    fn open(place: Place, group: &Group) -> Rc<Self> {
        Rc::new(Self { place, series: group.families.iter().map(|_| Cell::new(None)).collect() })
    }

    /// Says whether it is the row for everything beyond the limits.
    fn is_reserved(&self) -> bool {
        self.place.1.iter().all(|number| *number == FOLDED)
    }
}

/// Defines the counter of what a family folds into `other`.
fn overflow(family: &Family) -> Counter {
    let labels = [("metric", family.name.clone())];
    let name = Labelled { family: "weir_telemetry_overflow_total", labels: &labels };
    Counter::define(&name.to_string())
}

/// Reads on which side the listener is; a plain Envoy says nothing.
fn direction() -> Direction {
    let number = property::read(&["xds", "listener_direction"]).ok().flatten();
    let number = number.and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    number.map(Direction::from_number).unwrap_or_default()
}
