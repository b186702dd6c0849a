//! A request in all readings that its next hop may give it.

use std::{
    borrow::Cow,
    cell::{OnceCell, RefCell},
    collections::HashMap,
};

use super::{Answer, Occurrences, Request, pairs};
use crate::{PathNormalization, RequestPath, StringMatch, http::authority::authority_readings};

/// Maximum number of combinations of path and authority readings.
const MAX_COMBINATIONS: usize = 64;

/// The parts of a request that have several readings, and the treatment of these parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadingOptions {
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
    /// All readings of the path except the first.
    paths: Vec<Vec<u8>>,
    /// All readings of the authority except the first.
    authorities: Vec<Vec<u8>>,
    /// `true` if there are too many readings to compare.
    pub(super) is_unreadable: bool,
    occurrences: Occurrences,
    parameters: OnceCell<Vec<pairs::Pairs<'r>>>,
    cookies: OnceCell<Vec<pairs::Pairs<'r>>>,
    /// Cached answers by the address of the test, which must outlive the readings, and the index of
    /// the reading.
    pub(super) cache: RefCell<HashMap<(usize, usize), Answer>>,
}

/// One reading of a request, by the indices of its path and authority.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a, 'r> {
    pub(super) readings: &'a Readings<'r>,
    pub(super) path: usize,
    pub(super) authority: usize,
}

impl<'r> Readings<'r> {
    pub(super) fn new(request: &'r Request, reading_options: ReadingOptions) -> Self {
        let target = request.headers.first(":path");
        let target = target.map(|target| RequestPath::new(target, reading_options.normalization));
        let path = target.as_ref().filter(|_| reading_options.path);
        let paths = path.map_or(Some(Vec::new()), RequestPath::other_readings);
        let authority = request.headers.first(":authority");
        let read = authority.filter(|_| reading_options.authority);
        let authorities = read.map_or(Some(Vec::new()), authority_readings);
        let mut readings = Self {
            request,
            target,
            authority,
            is_unreadable: paths.is_none() || authorities.is_none(),
            paths: paths.unwrap_or_default(),
            authorities: authorities.unwrap_or_default(),
            occurrences: reading_options.occurrences,
            parameters: OnceCell::new(),
            cookies: OnceCell::new(),
            cache: RefCell::default(),
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

    /// Iterates over the readings of the request, beginning with the request as received.
    pub(super) fn views(&self) -> impl Iterator<Item = View<'_, 'r>> {
        (0..=self.paths.len()).flat_map(move |path| {
            let authorities = 0..=self.authorities.len();
            authorities.map(move |authority| View { readings: self, path, authority })
        })
    }

    /// Returns `true` if there is only one reading.
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

    /// Returns the query parameters in all readings.
    pub(super) fn parameters(&self) -> &[pairs::Pairs<'r>] {
        self.parameters.get_or_init(|| {
            let query = self.target.as_ref().and_then(RequestPath::query).unwrap_or_default();
            pairs::parameters(query, self.occurrences)
        })
    }

    /// Returns the cookies in all readings.
    pub(super) fn cookies(&self) -> &[pairs::Pairs<'r>] {
        self.cookies.get_or_init(|| pairs::cookies(&self.request.headers, self.occurrences))
    }

    /// Returns the answer for a value that can occur several times.
    pub(super) fn of_occurrences(&self, answers: impl Iterator<Item = Answer>) -> Answer {
        match self.occurrences {
            Occurrences::Any => Answer::any(answers),
            Occurrences::Agreeing => Answer::agreement(answers).unwrap_or(Answer::No),
        }
    }

    /// Evaluates a test for the values of `name` in all readings of parameters or cookies.
    pub(super) fn pairs_answer(
        &self,
        pairs: &[pairs::Pairs<'_>],
        name: &str,
        test: &StringMatch,
    ) -> Answer {
        let answers = pairs
            .iter()
            .map(|pairs| self.of_occurrences(named(pairs, name).map(|value| test.answer(value))));
        Answer::agreement(answers).unwrap_or(Answer::No)
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

/// Returns the values with this name.
fn named<'p>(pairs: &'p pairs::Pairs<'_>, name: &'p str) -> impl Iterator<Item = &'p [u8]> {
    let found = pairs.iter().filter(move |(found, _)| **found == *name.as_bytes());
    found.map(|(_, value): &(Cow<'_, [u8]>, Cow<'_, [u8]>)| &**value)
}
