//! Edits and the rate limit of a response body.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use filter_host::{
    Result, body, clock,
    headers::{self, Map},
    stream,
};

use crate::{BodyEdit, Chunk, Plan, Policy, RateLimiter};

/// The body of a response with a fault.
pub(super) struct ResponseBody {
    edit: Option<BodyEdit>,
    seen: Cell<u64>,
    is_first: Cell<bool>,
    is_bodiless: Cell<bool>,
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
            is_bodiless: Cell::new(false),
            limiter,
        })
    }

    pub(super) fn set_bodiless(&self, is_bodiless: bool) {
        self.is_bodiless.set(is_bodiless);
    }

    /// Adapts the response headers to the edit. Returns `false` if the stream was reset.
    pub(super) fn change_headers(&self) -> Result<bool> {
        match &self.edit {
            Some(BodyEdit::Reset(_)) if self.is_bodiless.get() => {
                stream::reset_response().map(|()| false)
            }
            Some(BodyEdit::Replace(_) | BodyEdit::Truncate(_)) if !self.is_bodiless.get() => {
                // The new length is not certain: trailers can follow the headers without a body.
                headers::remove(Map::ResponseHeaders, "content-length").map(|()| true)
            }
            None | Some(BodyEdit::Replace(_) | BodyEdit::Truncate(_) | BodyEdit::Reset(_)) => {
                Ok(true)
            }
        }
    }

    /// Edits a chunk of `size` bytes. Returns the time and the deadline if it must be held.
    pub(super) fn on_chunk(&self, size: usize) -> Result<Option<(Duration, Duration)>> {
        let (Some(size), Some(limiter)) = (self.edit(size)?, &self.limiter) else {
            return Ok(None);
        };
        let now = clock::monotonic();
        let due = limiter.borrow_mut().reserve(size, now);
        Ok((due > now).then_some((now, due)))
    }

    /// Edits a chunk. Returns its new size, `None` if the stream was reset.
    fn edit(&self, size: usize) -> Result<Option<usize>> {
        let Some(edit) = &self.edit else { return Ok(Some(size)) };
        let seen = self.seen.get();
        self.seen.set(seen.saturating_add(u64::try_from(size).unwrap_or(u64::MAX)));
        match edit.edit(self.is_first.replace(false), seen, size) {
            Chunk::Keep => Ok(Some(size)),
            Chunk::Replace(bytes) => {
                body::replace_response(size, &bytes).map(|()| Some(bytes.len()))
            }
            Chunk::Cut(keep) => body::truncate_response(size, keep).map(|()| Some(keep.min(size))),
            Chunk::Reset => stream::reset_response().map(|()| None),
        }
    }
}
