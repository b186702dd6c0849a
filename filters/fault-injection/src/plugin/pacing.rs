//! The body of a response under a fault.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use filter_host::{
    Result, body,
    headers::{self, Map},
    stream,
};

use crate::{BodyEdit, Chunk, Pace, Plan, Policy};

/// What is done to the body of one response.
pub(super) struct Pacing {
    edit: Option<BodyEdit>,
    seen: Cell<u64>,
    is_first: Cell<bool>,
    pace: Option<RefCell<Pace>>,
}

impl Pacing {
    /// `None` when the body is left alone.
    pub(super) fn new(policy: &Policy, plan: &Plan) -> Option<Self> {
        let edit = policy.body_edit(plan).cloned();
        let pace = plan.rate.map(|rate| RefCell::new(Pace::new(rate)));
        (edit.is_some() || pace.is_some()).then(|| Self {
            edit,
            seen: Cell::new(0),
            is_first: Cell::new(true),
            pace,
        })
    }

    /// Prepares the response's headers for what comes; `false` when the stream was reset.
    pub(super) fn on_headers(&self, is_bodiless: bool) -> Result<bool> {
        match &self.edit {
            Some(BodyEdit::Reset(_)) if is_bodiless => stream::reset_response().map(|()| false),
            Some(BodyEdit::Replace(body)) if !is_bodiless => {
                let length = body.len().to_string();
                headers::set(Map::ResponseHeaders, "content-length", length.as_bytes())?;
                Ok(true)
            }
            Some(BodyEdit::Truncate(_)) if !is_bodiless => {
                headers::remove(Map::ResponseHeaders, "content-length").map(|()| true)
            }
            _ => Ok(true),
        }
    }

    /// Edits a chunk of `size` bytes; returns when it is due, if it must wait.
    pub(super) fn on_body(&self, size: usize, now: Duration) -> Result<Option<Duration>> {
        let left = self.edit(size)?;
        let due = self.pace.as_ref().map(|pace| pace.borrow_mut().take(left, now));
        Ok(due.filter(|due| *due > now))
    }

    fn edit(&self, size: usize) -> Result<usize> {
        let Some(edit) = &self.edit else { return Ok(size) };
        let seen = self.seen.get();
        self.seen.set(seen.saturating_add(u64::try_from(size).unwrap_or(u64::MAX)));
        match edit.edit(self.is_first.replace(false), seen, size) {
            Chunk::Keep => Ok(size),
            Chunk::Replace(bytes) => body::replace_response(size, &bytes).map(|()| bytes.len()),
            Chunk::Cut(keep) => body::truncate_response(size, keep).map(|()| keep.min(size)),
            Chunk::Reset => stream::reset_response().map(|()| 0),
        }
    }
}
