//! Named lists in a compiled policy.

use std::{cell::RefCell, collections::HashSet, rc::Rc};

use filter_core::IpSet;

use crate::config::OnUnavailable;

/// A set of texts.
pub(super) type TextSet = HashSet<Box<[u8]>>;

/// A list with replaceable content.
#[derive(Debug)]
pub(super) struct List<T> {
    /// `None` while the list is unavailable.
    set: RefCell<Option<Rc<T>>>,
    on_unavailable: OnUnavailable,
}

/// The content of a fetched list.
#[derive(Clone, Debug)]
pub struct ListContent {
    pub(super) set: ListSet,
    pub(super) entries: usize,
}

#[derive(Clone, Debug)]
pub(super) enum ListSet {
    Addresses(Rc<IpSet>),
    Texts(Rc<TextSet>),
}

/// A list that several rules share, by the kind of its entries.
#[derive(Clone, Debug)]
pub(super) enum SharedList {
    Addresses(Rc<List<IpSet>>),
    Texts(Rc<List<TextSet>>),
}

impl<T> List<T> {
    /// Creates an available list.
    pub(super) fn new(set: T) -> Self {
        let set = RefCell::new(Some(Rc::new(set)));
        Self { set, on_unavailable: OnUnavailable::Unsure }
    }

    /// Creates an unavailable list.
    pub(super) const fn unavailable(on_unavailable: OnUnavailable) -> Self {
        Self { set: RefCell::new(None), on_unavailable }
    }

    /// Returns `true` if the list is unavailable and does not count as empty.
    pub(super) fn is_unsure(&self) -> bool {
        self.on_unavailable == OnUnavailable::Unsure && self.set.borrow().is_none()
    }

    /// Returns the result of `test` for the content; `false` if the list is unavailable.
    pub(super) fn is_some_and(&self, test: impl FnOnce(&T) -> bool) -> bool {
        self.set.borrow().as_ref().is_some_and(|set| test(set))
    }

    fn replace(&self, set: Option<Rc<T>>) {
        *self.set.borrow_mut() = set;
    }
}

impl ListContent {
    /// Returns the number of entries, including repeated and overlapping ones.
    #[must_use]
    pub const fn entries(&self) -> usize {
        self.entries
    }
}

impl SharedList {
    /// Replaces the content; `None` makes the list unavailable.
    pub(super) fn replace(&self, content: Option<&ListContent>) {
        let set = content.map(|content| &content.set);
        match self {
            Self::Addresses(list) => list.replace(match set {
                Some(ListSet::Addresses(set)) => Some(Rc::clone(set)),
                Some(ListSet::Texts(_)) | None => None,
            }),
            Self::Texts(list) => list.replace(match set {
                Some(ListSet::Texts(set)) => Some(Rc::clone(set)),
                Some(ListSet::Addresses(_)) | None => None,
            }),
        }
    }
}
