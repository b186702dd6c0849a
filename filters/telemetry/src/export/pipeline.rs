//! The pipeline of one signal from one worker to one provider.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{
    DeliveryStats, Dropped, ExportOutcome, Failure, Metric, QueueLimits, RequestId,
    backoff::Backoff, queue::Queue,
};
use crate::export::otlp::{Envelope, Item};

/// Maximum number of batches outside the queue, in flight or waiting to be sent.
const MAX_BATCHES: usize = 4;
/// Maximum size of a batch that is taken over, in bytes; no configuration creates a larger one.
const MAX_TAKE_OVER_SIZE: usize = 1_048_576;

/// A queue, and the batches that have left it.
#[derive(Debug)]
pub(super) struct Pipeline {
    limits: QueueLimits,
    envelope: Envelope,
    queue: Queue,
    /// Batches to retry or taken over, sent before the queue.
    waiting: VecDeque<Batch>,
    in_flight: BTreeMap<RequestId, InFlight>,
    backoff: Backoff,
    stats: DeliveryStats,
}

/// An encoded request.
#[derive(Clone, Debug)]
struct Batch {
    /// Number of items.
    items: u64,
    body: Vec<u8>,
    /// When it expires; `None` before the first attempt.
    deadline: Option<Duration>,
}

#[derive(Debug)]
struct InFlight {
    sent_at: Duration,
    batch: Batch,
}

impl Pipeline {
    pub(super) fn new(limits: QueueLimits, envelope: Envelope) -> Self {
        Self {
            limits,
            envelope,
            queue: Queue::default(),
            waiting: VecDeque::new(),
            in_flight: BTreeMap::new(),
            backoff: Backoff::default(),
            stats: DeliveryStats::default(),
        }
    }

    /// Queues an item; a full queue drops its oldest items.
    pub(super) fn enqueue(&mut self, item: Item, now: Duration) {
        self.stats.add(Metric::Built, 1);
        if item.size() > self.batch_capacity() {
            self.drop(Dropped::Oversize, 1);
            return;
        }
        let dropped = self.queue.push(item, now, &self.limits);
        self.drop(Dropped::Full, dropped);
    }

    /// Marks the next batch as in flight and returns the body to send; `None` if no batch is ready
    /// or a backoff is active.
    pub(super) fn next_request(&mut self, id: RequestId, now: Duration) -> Option<&[u8]> {
        self.expire(now);
        if !self.backoff.allows(now, self.in_flight.len()) {
            return None;
        }
        let mut batch = self.waiting.pop_front().or_else(|| self.next_batch(now))?;
        self.stats.add(Metric::Requests, 1);
        if batch.deadline.is_some() {
            self.stats.add(Metric::Retries, 1);
        }
        let deadline = now.saturating_add(self.limits.max_elapsed_time);
        batch.deadline = batch.deadline.or(Some(deadline));
        let request = InFlight { sent_at: now, batch };
        Some(&self.in_flight.entry(id).or_insert(request).batch.body)
    }

    /// Returns the time since a request was sent; `None` if it is not in flight.
    pub(super) fn elapsed(&self, id: RequestId, now: Duration) -> Option<Duration> {
        Some(now.saturating_sub(self.in_flight.get(&id)?.sent_at))
    }

    /// Completes a request.
    pub(super) fn complete(
        &mut self,
        id: RequestId,
        outcome: &ExportOutcome,
        now: Duration,
        random: u64,
    ) {
        let Some(InFlight { sent_at, batch }) = self.in_flight.remove(&id) else { return };
        match outcome {
            ExportOutcome::Accepted(partial) => {
                let rejected = partial.as_ref().map_or(0, |partial| partial.rejected_items);
                let rejected = rejected.min(batch.items);
                self.stats.add(Metric::Rejected, rejected);
                self.stats.add(Metric::Sent, batch.items.saturating_sub(rejected));
                self.backoff.reset(sent_at);
            }
            ExportOutcome::Refused(_) => {
                self.stats.add(Metric::Failures(Failure::Refused), 1);
                self.drop(Dropped::Refused, batch.items);
                self.backoff.reset(sent_at);
            }
            ExportOutcome::Retry(failure, retry_after) => {
                self.stats.add(Metric::Failures(*failure), 1);
                self.backoff.trip(sent_at, now, *retry_after, random);
                self.waiting.push_back(batch);
                self.expire(now);
            }
        }
    }

    /// Returns `true` if a batch of the previous configuration can be taken over.
    pub(super) fn has_room(&self) -> bool {
        self.batches() < MAX_BATCHES
    }

    /// Takes over a batch of the previous configuration.
    pub(super) fn take_over(&mut self, items: u64, body: &[u8]) {
        self.stats.taken_over = self.stats.taken_over.saturating_add(items);
        if body.len() > MAX_TAKE_OVER_SIZE || !self.has_room() {
            self.drop(Dropped::Oversize, items);
            return;
        }
        self.waiting.push_back(Batch { items, body: self.envelope.frame(body), deadline: None });
    }

    /// Removes everything, as item counts and requests without gRPC framing.
    pub(super) fn hand_over(&mut self) -> Vec<(u64, Vec<u8>)> {
        let in_flight = std::mem::take(&mut self.in_flight).into_values();
        let mut batches: Vec<Batch> = in_flight.map(|request| request.batch).collect();
        batches.extend(std::mem::take(&mut self.waiting));
        while let Some(batch) = self.drain_queue() {
            batches.push(batch);
        }
        let items = batches.iter().map(|batch| batch.items).fold(0, u64::saturating_add);
        self.stats.handed_over = self.stats.handed_over.saturating_add(items);
        let unframed = |batch: Batch| (batch.items, self.envelope.unframe(batch.body));
        batches.into_iter().map(unframed).collect()
    }

    /// Returns the number of items in the pipeline.
    #[cfg(test)]
    pub(super) fn items(&self) -> u64 {
        let in_flight = self.in_flight.values().map(|request| request.batch.items);
        let waiting = self.waiting.iter().map(|batch| batch.items);
        let batched = in_flight.chain(waiting).sum::<u64>();
        batched.saturating_add(self.queue.len() as u64)
    }

    /// Returns the size of everything in the pipeline, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let in_flight = self.in_flight.values().map(|request| request.batch.body.len());
        let waiting = self.waiting.iter().map(|batch| batch.body.len());
        in_flight.chain(waiting).fold(self.queue.bytes(), usize::saturating_add)
    }

    pub(super) const fn stats(&self) -> &DeliveryStats {
        &self.stats
    }

    /// Returns how many bytes of items fit in a request.
    fn batch_capacity(&self) -> usize {
        self.limits.max_batch_bytes.saturating_sub(self.envelope.size())
    }

    /// Returns the number of batches outside the queue.
    fn batches(&self) -> usize {
        self.waiting.len().saturating_add(self.in_flight.len())
    }

    /// Encodes a batch if the queue is ready and fewer than [`MAX_BATCHES`] exist.
    fn next_batch(&mut self, now: Duration) -> Option<Batch> {
        let is_ready = self.queue.is_ready(now, &self.limits, self.batch_capacity());
        if is_ready && self.has_room() { self.drain_queue() } else { None }
    }

    /// Encodes a batch of the oldest items in the queue.
    fn drain_queue(&mut self) -> Option<Batch> {
        let items = self.queue.take(self.limits.max_batch_items, self.batch_capacity());
        if items.is_empty() {
            return None;
        }
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        Some(Batch { items: count, body: self.envelope.wrap(items.iter()), deadline: None })
    }

    /// Drops waiting batches whose deadline has passed.
    fn expire(&mut self, now: Duration) {
        let mut expired = 0_u64;
        self.waiting.retain(|batch| {
            let is_expired = batch.deadline.is_some_and(|deadline| now >= deadline);
            if is_expired {
                expired = expired.saturating_add(batch.items);
            }
            !is_expired
        });
        self.drop(Dropped::Expired, expired);
    }

    fn drop(&mut self, reason: Dropped, items: u64) {
        self.stats.add(Metric::Dropped(reason), items);
    }
}

#[cfg(test)]
mod tests;
