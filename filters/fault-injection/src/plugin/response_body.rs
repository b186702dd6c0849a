//! Edits and the rate limit of a response body.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use filter_host::{
    Result, body,
    headers::{self, Map},
    stream,
};

use crate::{BodyEdit, Chunk, Plan, Policy, RateLimiter};

/// The body of a response with a fault.
pub(super) struct ResponseBody {
    edit: Option<BodyEdit>,
    seen: Cell<u64>,
    is_first: Cell<bool>,
    limiter: Option<RefCell<RateLimiter>>,
}

impl ResponseBody {
    /// Returns `None` if the plan leaves the body unchanged.
    pub(super) fn new(policy: &Policy, plan: &Plan) -> Option<Self> {
        let edit = policy.body_edit(plan).cloned();
        let limiter = plan.rate.map(|rate| RefCell::new(RateLimiter::new(rate)));
        (edit.is_some() || limiter.is_some()).then(|| Self {
            edit,
            seen: Cell::new(0),
            is_first: Cell::new(true),
            limiter,
        })
    }

    /// Adapts the response headers to the edit. Returns `false` if the stream was reset.
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
            None | Some(BodyEdit::Replace(_) | BodyEdit::Truncate(_) | BodyEdit::Reset(_)) => {
                Ok(true)
            }
        }
    }

    /// Edits a chunk of `size` bytes. Returns the time until which it must be held, if any.
    pub(super) fn on_chunk(&self, size: usize, now: Duration) -> Result<Option<Duration>> {
        let left = self.edit(size)?;
        let due = self.limiter.as_ref().map(|limiter| limiter.borrow_mut().reserve(left, now));
        Ok(due.filter(|due| *due > now))
    }

    /// Edits a chunk. Returns its new size.
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
