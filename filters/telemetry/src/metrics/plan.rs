//! The families of one direction, grouped by their labels.

use crate::{
    direction::Direction,
    metrics::{Family, LabelValue, Slot, Standard, StatusClass, What},
    record::Record,
};

/// Families whose series have the same labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Names of the labels, and the places of their sources among [`Plan::slots`].
    pub labels: Vec<(String, usize)>,
    /// The families.
    pub families: Vec<Family>,
}

/// Every family of one direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Sources of labels' values.
    pub slots: Vec<Slot>,
    /// The families, by their labels.
    pub groups: Vec<Group>,
}

impl Plan {
    /// Makes the plan without labels, in which every family is one series.
    #[must_use]
    pub fn clean(prefix: &str, _direction: Direction) -> Self {
        let standard = Standard::ALL.into_iter().filter(|metric| !metric.counts_messages());
        let standard = standard.map(|metric| Family {
            name: format!("{prefix}_{}", metric.name()),
            kind: metric.kind(),
            what: What::Standard(metric),
        });
        let classes = StatusClass::ALL.map(|class| Family {
            name: format!("{prefix}_{}", class.name()),
            kind: crate::metrics::Kind::Counter,
            what: What::Class(class),
        });
        let families = standard.chain(classes).collect();
        Self { slots: Vec::new(), groups: vec![Group { labels: Vec::new(), families }] }
    }
}

impl Group {
    /// Puts the values of a stream's labels into `key`.
    pub fn key(&self, slots: &[Slot], record: &Record, key: &mut Vec<LabelValue>) {
        key.clear();
        let sources = self.labels.iter().map(|(_, slot)| slots.get(*slot));
        key.extend(sources.map(|slot| slot.map_or(0, |slot| slot.value(record))));
    }
}
