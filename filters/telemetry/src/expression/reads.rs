//! Each attribute once: the list of what a document reads, and what was read of a stream.

use std::cell::OnceCell;

use super::{attribute::Attribute, value::Value};

/// The place of an attribute in the list of all that a document reads.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Slot(usize);

/// All that a document reads, each attribute once.
#[derive(Clone, Debug, Default)]
pub struct Reads(Vec<Attribute>);

/// What was read of one stream so far; nothing is read twice.
#[derive(Clone, Debug)]
pub struct Readings(Box<[OnceCell<Option<Value>>]>);

/// What the attributes of a stream are worth.
pub trait Attributes {
    /// Returns the value in a place, `None` where the stream has none.
    fn value(&self, slot: Slot) -> Option<&Value>;
}

impl Reads {
    /// Returns the place of an attribute, which is new or was asked for before.
    pub fn slot(&mut self, attribute: Attribute) -> Slot {
        let known = self.0.iter().position(|other| *other == attribute);
        Slot(known.unwrap_or_else(|| {
            self.0.push(attribute);
            self.0.len().saturating_sub(1)
        }))
    }

    /// Returns the attribute in a place.
    #[must_use]
    pub fn attribute(&self, slot: Slot) -> Option<&Attribute> {
        self.0.get(slot.0)
    }

    /// Iterates over all attributes with their places.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Attribute)> {
        self.0.iter().enumerate().map(|(place, attribute)| (Slot(place), attribute))
    }

    /// Opens the memory of a stream.
    #[must_use]
    pub fn readings(&self) -> Readings {
        Readings(self.0.iter().map(|_| OnceCell::new()).collect())
    }
}

impl Readings {
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
