//! Facts about a stream that one filter establishes and others read.
//!
//! The filters of a suite exchange them in memory. For access logs, expressions and filters outside
//! the suite, a fact is a property, which costs two host calls and a copy.

use std::{cell::RefCell, mem::ManuallyDrop, rc::Rc};

use crate::{host_error::Result, property};

/// A fact about a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fact {
    /// The verified identity, in JSON: `weir.jwt`.
    Identity,
    /// The routing tag: `weir.tag`.
    Tag,
    /// The injected fault: `weir.fault`.
    Fault,
    /// The operation: `weir.operation`.
    Operation,
    /// The limit that refused the request: `weir.limit`.
    Limit,
    /// The decision of access-control: `weir.access`.
    Access,
}

/// The readers of a fact.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Readers {
    /// Filters of the same suite.
    Suite,
    /// Other filters: those of the same suite, or any filter if this one is not in a suite.
    Filters,
    /// Other filters, access logs and expressions.
    Everyone,
}

/// The facts about a stream in a suite.
#[derive(Default)]
pub struct Facts(RefCell<[Option<Rc<[u8]>>; Fact::ALL.len()]>);

thread_local! {
    /// The facts about the current stream; `None` outside a suite.
    ///
    /// Never dropped: a thread-local value with a destructor is slower to read.
    static CURRENT: RefCell<ManuallyDrop<Option<Rc<Facts>>>> =
        const { RefCell::new(ManuallyDrop::new(None)) };
}

impl Fact {
    const ALL: [Self; 6] =
        [Self::Identity, Self::Tag, Self::Fault, Self::Operation, Self::Limit, Self::Access];

    /// Returns the name of the property.
    #[must_use]
    pub const fn property(self) -> &'static str {
        match self {
            Self::Identity => "weir.jwt",
            Self::Tag => "weir.tag",
            Self::Fault => "weir.fault",
            Self::Operation => "weir.operation",
            Self::Limit => "weir.limit",
            Self::Access => "weir.access",
        }
    }

    fn from_property(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.property() == name)
    }
}

/// Publishes a fact about the current stream.
///
/// # Errors
///
/// Fails if the proxy refuses to write the property.
pub fn publish(fact: Fact, value: &Rc<[u8]>, readers: Readers) -> Result<()> {
    let current = current();
    if let Some(facts) = &current
        && let Some(slot) = facts.0.borrow_mut().get_mut(fact as usize)
    {
        *slot = Some(Rc::clone(value));
    }
    match (readers, current) {
        (Readers::Everyone, _) | (Readers::Filters, None) => {
            property::write(&[fact.property()], value)
        }
        (Readers::Suite, _) | (Readers::Filters, Some(_)) => Ok(()),
    }
}

/// Sets the facts that [`publish`] writes and [`property::read`] reads; `None` outside a suite.
///
/// Returns the previous ones.
pub fn enter(facts: Option<Rc<Facts>>) -> Option<Rc<Facts>> {
    CURRENT.with_borrow_mut(|current| std::mem::replace(&mut **current, facts))
}

/// Returns a fact about the current stream that a filter of the suite published.
pub(crate) fn read(property: &str) -> Option<Rc<[u8]>> {
    let fact = Fact::from_property(property)?;
    current()?.0.borrow().get(fact as usize)?.clone()
}

fn current() -> Option<Rc<Facts>> {
    CURRENT.with_borrow(|current| (**current).clone())
}
