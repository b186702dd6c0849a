//! The attributes that a document reads, and a cache of their values on a stream.

use std::{cell::OnceCell, collections::BTreeSet, mem};

use super::{attribute::Attribute, value::Value};

/// The index of an attribute in an [`AttributeTable`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Slot(usize);

/// The attributes that a document reads, without duplicates.
#[derive(Clone, Debug, Default)]
pub struct AttributeTable {
    attributes: Vec<Attribute>,
    /// Mutable attributes, which are read when the request headers arrive.
    early: BTreeSet<Slot>,
    is_late: bool,
}

/// A cache of the attributes of one stream. No attribute is read twice.
#[derive(Clone, Debug)]
pub struct AttributeCache(Box<[OnceCell<Option<Value>>]>);

/// The attributes of a stream.
pub trait Attributes {
    /// Returns the value of an attribute; `None` if the stream does not have it.
    fn value(&self, slot: Slot) -> Option<&Value>;
}

impl AttributeTable {
    /// Returns the slot of an attribute, which is added if it is new.
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

    /// Sets whether the attributes added next may be read at the end of the stream even if they are
    /// mutable. Returns the previous setting.
    ///
    /// Reading at the end costs nothing for streams that are not evaluated.
    pub fn set_late(&mut self, is_late: bool) -> bool {
        mem::replace(&mut self.is_late, is_late)
    }

    /// Returns the attribute in a slot.
    #[must_use]
    pub fn attribute(&self, slot: Slot) -> Option<&Attribute> {
        self.attributes.get(slot.0)
    }

    /// Returns all attributes with their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Attribute)> {
        self.attributes.iter().enumerate().map(|(index, attribute)| (Slot(index), attribute))
    }

    /// Returns the attributes to read when the request headers arrive, before they can change.
    pub fn early(&self) -> impl Iterator<Item = (Slot, &Attribute)> {
        self.early.iter().filter_map(|slot| Some((*slot, self.attribute(*slot)?)))
    }

    /// Creates an empty cache for a stream.
    #[must_use]
    pub fn new_cache(&self) -> AttributeCache {
        AttributeCache(self.attributes.iter().map(|_| OnceCell::new()).collect())
    }
}

impl AttributeCache {
    /// Returns the value in a slot, which `read` provides on first use.
    pub fn get(&self, slot: Slot, read: impl FnOnce() -> Option<Value>) -> Option<&Value> {
        self.0.get(slot.0)?.get_or_init(read).as_ref()
    }

    /// Returns `true` if the attribute was already read, even if it was missing.
    #[must_use]
    pub fn has_read(&self, slot: Slot) -> bool {
        self.0.get(slot.0).is_some_and(|cell| cell.get().is_some())
    }
}
