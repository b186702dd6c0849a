//! The rows of series that this worker has defined.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use super::series::Series;
use crate::{Group, LabelValue, OVERFLOW};

/// The rows of each group.
#[derive(Default)]
pub(super) struct Rows(RefCell<Vec<GroupRows>>);

/// The rows of one group.
#[derive(Default)]
struct GroupRows {
    by_key: HashMap<Box<[LabelValue]>, Rc<Row>>,
    /// The row of the last stream, which is often that of the next.
    last: Option<Rc<Row>>,
}

/// The series of one combination of label values, one for each family of the group.
pub(super) struct Row {
    pub(super) group: usize,
    pub(super) key: Box<[LabelValue]>,
    pub(super) series: Vec<Cell<Option<Series>>>,
}

impl Rows {
    /// Returns a row that was kept.
    pub(super) fn get(&self, group_index: usize, key: &[LabelValue]) -> Option<Rc<Row>> {
        let mut groups = self.0.borrow_mut();
        let rows = groups.get_mut(group_index)?;
        if rows.last.as_ref().is_none_or(|last| *last.key != *key) {
            rows.last = Some(Rc::clone(rows.by_key.get(key)?));
        }
        rows.last.clone()
    }

    /// Keeps a row.
    pub(super) fn keep(&self, row: &Rc<Row>) {
        let mut groups = self.0.borrow_mut();
        if groups.len() <= row.group {
            groups.resize_with(row.group.saturating_add(1), GroupRows::default);
        }
        if let Some(rows) = groups.get_mut(row.group) {
            rows.by_key.entry(row.key.clone()).or_insert_with(|| Rc::clone(row));
        }
    }
}

impl Row {
    pub(super) fn new(group_index: usize, key: &[LabelValue], group: &Group) -> Rc<Self> {
        Rc::new(Self {
            group: group_index,
            key: key.into(),
            series: group.families.iter().map(|_| Cell::new(None)).collect(),
        })
    }

    /// Returns `true` for the row of all streams beyond the limits.
    pub(super) fn is_overflow(&self) -> bool {
        self.key.iter().all(|number| *number == OVERFLOW)
    }
}
