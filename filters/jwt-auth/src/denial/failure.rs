//! Failed checks of one token, before the request is decided.

use std::time::Duration;

use super::{Challenge, Rejection};

/// A failed check of a token.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) rejection: Rejection,
    /// The index of the provider whose check failed; `None` if no provider serves the token.
    pub(crate) provider: Option<usize>,
    pub(crate) challenge: Box<Challenge>,
    /// The missing document; `None` if the failure is final.
    pub(crate) pending: Option<Pending>,
}

/// A missing document without which a token cannot be checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pending {
    /// The request may wait for the document.
    Fetch(Wait),
    /// No key set was fetched yet, and `coldStart: ALLOW` waives the check.
    ColdStart,
}

/// A wait for a document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wait {
    /// The index of the source in [`Worker::sources`](crate::Worker::sources).
    pub source: usize,
    /// The maximum wait, counted from the arrival of the request.
    pub max: Duration,
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, provider: None, challenge: Box::default(), pending: None }
    }
}

impl Failure {
    /// Returns the wait that may resolve the failure.
    pub(crate) const fn wait(&self) -> Option<Wait> {
        match self.pending {
            Some(Pending::Fetch(wait)) => Some(wait),
            Some(Pending::ColdStart) | None => None,
        }
    }

    /// Returns `true` if `other` is reported instead: a fetch may resolve it, or its check comes
    /// later.
    pub(crate) fn is_superseded_by(&self, other: &Self) -> bool {
        match (self.wait(), other.wait()) {
            (Some(_), _) => false,
            (None, Some(_)) => true,
            (None, None) => other.rejection.reason() >= self.rejection.reason(),
        }
    }
}
