//! Each attribute once: the list of what a document reads, and what was read of a stream.

use std::{cell::OnceCell, collections::BTreeSet, mem};

use super::{attribute::Attribute, value::Value};

/// The place of an attribute in the list of all that a document reads.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Slot(usize);

/// All that a document reads, each attribute once.
#[derive(Clone, Debug, Default)]
pub struct AttributeTable {
    attributes: Vec<Attribute>,
    /// What may change, and is asked for as the request came in.
    early: BTreeSet<Slot>,
    is_late: bool,
}

/// What was read of one stream so far; nothing is read twice.
#[derive(Clone, Debug)]
pub struct AttributeCache(Box<[OnceCell<Option<Value>>]>);

/// What the attributes of a stream are worth.
pub trait Attributes {
    /// Returns the value in a place, `None` where the stream has none.
    fn value(&self, slot: Slot) -> Option<&Value>;
}

impl AttributeTable {
    /// Returns the place of an attribute, which is new or was asked for before.
    pub fn slot(&mut self, attribute: Attribute) -> Slot {
        let is_early = !self.is_late && attribute.is_mutable();
        let known = self.attributes.iter().position(|other| *other == attribute);
        let slot = Slot(known.unwrap_or(self.attributes.len()));
        if known.is_none() {
            self.attributes.push(attribute);
        }
        self.early.extend(is_early.then_some(slot));
        slot
    }

    /// Says whether it is the same for what is asked next when a request's headers are read, and
    /// returns what was said before.
    ///
    /// Reading them when the stream has ended costs nothing for streams that are never looked at.
    pub fn set_late(&mut self, is_late: bool) -> bool {
        mem::replace(&mut self.is_late, is_late)
    }

    /// Returns the attribute in a place.
    #[must_use]
    pub fn attribute(&self, slot: Slot) -> Option<&Attribute> {
        self.attributes.get(slot.0)
    }

    /// Iterates over all attributes with their places.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Attribute)> {
        self.attributes.iter().enumerate().map(|(place, attribute)| (Slot(place), attribute))
    }

    /// Iterates over the attributes to read at the request's headers, before they may change.
    pub fn early(&self) -> impl Iterator<Item = (Slot, &Attribute)> {
        self.early.iter().filter_map(|slot| Some((*slot, self.attribute(*slot)?)))
    }

    /// Opens the memory of a stream.
    #[must_use]
    pub fn new_cache(&self) -> AttributeCache {
        AttributeCache(self.attributes.iter().map(|_| OnceCell::new()).collect())
    }
}

impl AttributeCache {
    /// Returns a value, and reads it where it was not yet.
    pub fn get(&self, slot: Slot, read: impl FnOnce() -> Option<Value>) -> Option<&Value> {
        self.0.get(slot.0)?.get_or_init(read).as_ref()
    }

    /// Says whether something was read already, present or absent.
    #[must_use]
    pub fn has_read(&self, slot: Slot) -> bool {
        self.0.get(slot.0).is_some_and(|cell| cell.get().is_some())
    }
}
