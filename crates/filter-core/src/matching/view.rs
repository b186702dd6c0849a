//! A request in every reading that its next hop may give it.

use std::{
    borrow::Cow,
    cell::{OnceCell, RefCell},
    collections::HashMap,
};

use super::{Answer, Occurrences, Request, pairs};
use crate::{PathNormalization, RequestPath, http::authority::authority_readings};

/// The maximum number of combinations of path and authority readings to compare.
const MAX_COMBINATIONS: usize = 64;

/// The parts of a request that a matcher reads, and how it reads them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    pub(super) normalization: PathNormalization,
    pub(super) occurrences: Occurrences,
    pub(super) path: bool,
    pub(super) authority: bool,
}

/// A request with all readings of its path and authority; parameters and cookies are split at
/// first use.
#[derive(Debug)]
pub(super) struct Readings<'r> {
    pub(super) request: &'r Request,
    target: Option<RequestPath<'r>>,
    authority: Option<&'r [u8]>,
    /// Readings of the path except the first.
    paths: Vec<Vec<u8>>,
    /// Readings of the authority except the first.
    authorities: Vec<Vec<u8>>,
    /// `true` if there are too many readings to compare.
    pub(super) is_unreadable: bool,
    occurrences: Occurrences,
    parameters: OnceCell<Vec<pairs::Pairs<'r>>>,
    cookies: OnceCell<Vec<pairs::Pairs<'r>>>,
    /// Answers by the address of the test, which must outlive the readings, and the number of the
    /// reading.
    pub(super) known: RefCell<HashMap<(usize, usize), Answer>>,
}

/// A request in one reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a, 'r> {
    pub(super) readings: &'a Readings<'r>,
    pub(super) path: usize,
    pub(super) authority: usize,
}

impl<'r> Readings<'r> {
    pub(super) fn new(request: &'r Request, sight: Sight) -> Self {
        let target = request.headers.first(":path");
        let target = target.map(|target| RequestPath::new(target, sight.normalization));
        let path = target.as_ref().filter(|_| sight.path);
        let paths = path.map_or(Some(Vec::new()), RequestPath::other_readings);
        let authority = request.headers.first(":authority");
        let looked_at = authority.filter(|_| sight.authority);
        let authorities = looked_at.map_or(Some(Vec::new()), authority_readings);
        let mut readings = Self {
            request,
            target,
            authority,
            is_unreadable: paths.is_none() || authorities.is_none(),
            paths: paths.unwrap_or_default(),
            authorities: authorities.unwrap_or_default(),
            occurrences: sight.occurrences,
            parameters: OnceCell::new(),
            cookies: OnceCell::new(),
            known: RefCell::default(),
        };
        if readings.views().count() > MAX_COMBINATIONS {
            readings.is_unreadable = true;
        }
        if readings.is_unreadable {
            readings.paths.clear();
            readings.authorities.clear();
        }
        readings
    }

    /// Iterates over the readings of the request, the one as received first.
    pub(super) fn views(&self) -> impl Iterator<Item = View<'_, 'r>> {
        (0..=self.paths.len()).flat_map(move |path| {
            let authorities = 0..=self.authorities.len();
            authorities.map(move |authority| View { readings: self, path, authority })
        })
    }

    /// Returns `true` if there is one reading only.
    pub(super) const fn is_single(&self) -> bool {
        self.paths.is_empty() && self.authorities.is_empty()
    }

    /// Returns the request as received.
    pub(super) const fn first(&self) -> View<'_, 'r> {
        View { readings: self, path: 0, authority: 0 }
    }

    /// Iterates over the readings of the path.
    pub(super) fn paths(&self) -> impl Iterator<Item = &[u8]> {
        let first = self.target.as_ref().map(RequestPath::path);
        first.into_iter().chain(self.paths.iter().map(Vec::as_slice))
    }

    /// Iterates over the readings of the authority.
    pub(super) fn authorities(&self) -> impl Iterator<Item = &[u8]> {
        self.authority.into_iter().chain(self.authorities.iter().map(Vec::as_slice))
    }

    /// Returns the query's parameters, in every reading.
    pub(super) fn parameters(&self) -> &[pairs::Pairs<'r>] {
        self.parameters.get_or_init(|| {
            let query = self.target.as_ref().and_then(RequestPath::query).unwrap_or_default();
            pairs::parameters(query, self.occurrences)
        })
    }

    /// Returns the cookies, in every reading.
    pub(super) fn cookies(&self) -> &[pairs::Pairs<'r>] {
        self.cookies.get_or_init(|| pairs::cookies(&self.request.headers, self.occurrences))
    }

    /// Returns the answer for a value that may occur several times.
    pub(super) fn of_occurrences(&self, answers: impl Iterator<Item = Answer>) -> Answer {
        match self.occurrences {
            Occurrences::Any => Answer::any(answers),
            Occurrences::Agreeing => Answer::agreement(answers).unwrap_or(Answer::No),
        }
    }
}

impl<'a> View<'a, '_> {
    pub(super) fn path(&self) -> Option<&'a [u8]> {
        match self.path.checked_sub(1) {
            None => self.readings.target.as_ref().map(RequestPath::path),
            Some(other) => self.readings.paths.get(other).map(Vec::as_slice),
        }
    }

    pub(super) fn authority(&self) -> Option<&'a [u8]> {
        match self.authority.checked_sub(1) {
            None => self.readings.authority,
            Some(other) => self.readings.authorities.get(other).map(Vec::as_slice),
        }
    }
}

/// Returns the value of a pair with this name.
pub(super) fn named<'p>(
    pairs: &'p pairs::Pairs<'_>,
    name: &'p str,
) -> impl Iterator<Item = &'p [u8]> {
    let found = pairs.iter().filter(move |(found, _)| **found == *name.as_bytes());
    found.map(|(_, value): &(Cow<'_, [u8]>, Cow<'_, [u8]>)| &**value)
}
