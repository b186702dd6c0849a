//! BATCHED mode: units that one worker buys in advance for each key.

use std::{collections::BTreeMap, time::Duration};

use self::grant::Grant;
use super::{Answer, ServiceFailure};

mod grant;
mod lots;

/// The units that a worker has bought from the service.
///
/// A call with *n* hits buys *n* units, which admit requests until the window ends. A request
/// without units waits for a call. After each draw that admits or waits, the caller calls
/// [`Batch::next_call`] and makes the call that it returns, so no request waits without a call in
/// flight.
///
/// A worker never admits more units than the service granted to it. Of the units in a window, at
/// most 2*n* are lost, where *n* is the largest call: those unspent at its end, and those that a
/// service counts although it refuses them.
///
/// Units end with the window, but not before the waiting requests can spend them: an answer is
/// valid for at least 10 ms. All times are those of one monotonic clock.
#[derive(Clone, Debug)]
pub struct Batch<K> {
    grants: BTreeMap<K, Grant>,
    max_keys: usize,
    draws: u64,
}

/// The result of drawing units of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BatchDraw {
    /// The units are spent.
    Admitted,
    /// The service has refused as many units; nothing is spent.
    Refused {
        /// Time until the window ends.
        retry_after: Duration,
    },
    /// The request waits until [`Batch::on_answer`] settles the next call.
    Wait,
    /// The request needs its own call, as in EXACT mode, because every key is in use.
    Exact,
}

/// The effect of an answer on the requests that wait for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settled {
    /// All of them draw again, in the order of their arrival; they no longer count as waiting.
    Redraw,
    /// All of them keep waiting for one more call.
    AskAgain,
    /// None of them can be decided; they no longer count as waiting.
    Failed(ServiceFailure),
}

impl<K: Clone + Ord> Batch<K> {
    /// Creates a batch without units, for at most `max_keys` keys at a time, at least one.
    #[must_use]
    pub const fn new(max_keys: usize) -> Self {
        let max_keys = if max_keys == 0 { 1 } else { max_keys };
        Self { grants: BTreeMap::new(), max_keys, draws: 0 }
    }

    /// Returns the result of [`Batch::draw`] without drawing, for a request with several limits.
    #[must_use]
    pub fn peek(&self, key: &K, cost: u32, now: Duration) -> BatchDraw {
        if cost == 0 {
            return BatchDraw::Admitted;
        }
        self.grants.get(key).map_or(BatchDraw::Wait, |grant| grant.peek(cost, now))
    }

    /// Draws `cost` units.
    ///
    /// At the maximum number of keys, the least recently drawn idle ones are dropped.
    pub fn draw(&mut self, key: &K, cost: u32, now: Duration) -> BatchDraw {
        if cost == 0 {
            return BatchDraw::Admitted;
        }
        if !self.grants.contains_key(key) && self.grants.len() >= self.max_keys && !self.evict() {
            return BatchDraw::Exact;
        }
        self.draws = self.draws.saturating_add(1);
        let grant = self.grants.entry(key.clone()).or_default();
        grant.last_draw = self.draws;
        grant.draw(cost, now)
    }

    /// Returns units that were drawn at `now`, because another limit refused the request.
    pub fn give_back(&mut self, key: &K, cost: u32, now: Duration) {
        if let Some(grant) = self.grants.get_mut(key) {
            grant.give_back(cost, now);
        }
    }

    /// Removes a request that waits with this cost, because its client has left.
    pub fn leave(&mut self, key: &K, cost: u32) {
        if let Some(grant) = self.grants.get_mut(key) {
            grant.leave(cost);
        }
    }

    /// Returns the hits of the call to make now, which is then in flight; `None` if none is due.
    ///
    /// `max_batch` limits the hits, unless a single request costs more.
    pub fn next_call(&mut self, key: &K, now: Duration, max_batch: u32) -> Option<u32> {
        self.grants.get_mut(key)?.next_call(now, max_batch)
    }

    /// Records the answer to the call in flight, or its failure.
    ///
    /// The caller settles the waiting requests, and then calls [`Batch::next_call`] again.
    pub fn on_answer(
        &mut self,
        key: &K,
        answer: Result<&Answer, ServiceFailure>,
        now: Duration,
    ) -> Settled {
        let grant = self.grants.get_mut(key);
        grant.map_or(Settled::Redraw, |grant| grant.on_answer(answer, now))
    }

    /// Drops an eighth of the keys, those drawn least recently; returns `false` if all are in use.
    fn evict(&mut self) -> bool {
        let idle = self.grants.values().filter(|grant| grant.is_idle());
        let mut draws: Vec<u64> = idle.map(|grant| grant.last_draw).collect();
        let dropped = self.max_keys.div_ceil(8).min(draws.len());
        let Some(last) = dropped.checked_sub(1) else { return false };
        let (_, &mut last, _) = draws.select_nth_unstable(last);
        self.grants.retain(|_, grant| !grant.is_idle() || grant.last_draw > last);
        true
    }
}

#[cfg(test)]
mod tests;
