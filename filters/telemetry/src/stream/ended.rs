//! A stream that has ended, as everything that judges it sees it.

use filter_core::Request;

use crate::{expression::Attributes, stream::record::Record};

/// A stream that has ended, and how to read what is not in its record.
#[derive(Clone, Copy)]
pub struct Ended<'a> {
    /// What was recorded.
    pub record: &'a Record,
    /// Its attributes.
    pub at: &'a dyn Attributes,
    /// What filters with `match` look at.
    pub request: &'a Request,
}
