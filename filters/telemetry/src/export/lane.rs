//! The way of one worker's items of one signal to one provider.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{
    Books, Dropped, Failure, Limits, Metric, Outcome, Ticket, backoff, batch::Batch, queue::Queue,
};
use crate::export::otlp::{Envelope, Item};

/// The most batches that are out of the queue: on their way, or waiting to be sent again.
const SLOTS: usize = 4;
/// The largest body that is taken over; no configuration makes a larger one.
const MAX_SIZE: usize = 1_048_576;

/// A queue and the batches that left it.
#[derive(Debug)]
pub(super) struct Lane {
    limits: Limits,
    envelope: Envelope,
    queue: Queue,
    /// Batches to send before new ones are made.
    waiting: VecDeque<Batch>,
    in_flight: BTreeMap<Ticket, Flight>,
    gate: Option<Gate>,
    failures: u32,
    books: Books,
}

#[derive(Debug)]
struct Flight {
    departed: Duration,
    batch: Batch,
}

/// A pause after a failure: then one batch goes as a probe.
#[derive(Clone, Copy, Debug)]
struct Gate {
    since: Duration,
    until: Duration,
}

impl Lane {
    pub(super) fn new(limits: Limits, envelope: Envelope) -> Self {
        Self {
            limits,
            envelope,
            queue: Queue::default(),
            waiting: VecDeque::new(),
            in_flight: BTreeMap::new(),
            gate: None,
            failures: 0,
            books: Books::default(),
        }
    }

    /// Puts an item in the queue, where it may push out older ones.
    pub(super) fn offer(&mut self, item: Item, now: Duration) {
        self.books.add(Metric::Built, 1);
        if item.size() > self.room() {
            self.drop(Dropped::Oversize, 1);
            return;
        }
        let shed = self.queue.push(item, now, &self.limits);
        self.drop(Dropped::Full, shed);
    }

    /// Sends one batch off, if one may go; the body is what to send.
    pub(super) fn depart(&mut self, ticket: Ticket, now: Duration) -> Option<&[u8]> {
        self.expire(now);
        let may_go = match self.gate {
            None => true,
            Some(gate) => now >= gate.until && now > gate.since && self.in_flight.is_empty(),
        };
        if !may_go {
            return None;
        }
        let mut batch = self.waiting.pop_front().or_else(|| self.form(now))?;
        self.books.add(Metric::Requests, 1);
        if batch.deadline.is_some() {
            self.books.add(Metric::Retries, 1);
        }
        batch.deadline = batch.deadline.or(Some(now.saturating_add(self.limits.elapsed)));
        let flight = Flight { departed: now, batch };
        Some(&self.in_flight.entry(ticket).or_insert(flight).batch.body)
    }

    /// Returns how long a batch is on its way; `None` where it is not.
    pub(super) fn elapsed(&self, ticket: Ticket, now: Duration) -> Option<Duration> {
        Some(now.saturating_sub(self.in_flight.get(&ticket)?.departed))
    }

    /// Takes what became of a batch.
    pub(super) fn arrive(&mut self, ticket: Ticket, outcome: &Outcome, now: Duration, random: u64) {
        let Some(Flight { departed, batch }) = self.in_flight.remove(&ticket) else { return };
        match outcome {
            Outcome::Taken(rejection) => {
                let rejected = rejection.as_ref().map_or(0, |it| it.items).min(batch.items);
                self.books.add(Metric::Rejected, rejected);
                self.books.add(Metric::Sent, batch.items.saturating_sub(rejected));
                self.open_gate(departed);
            }
            Outcome::Refused(_) => {
                self.books.add(Metric::Failures(Failure::Refused), 1);
                self.drop(Dropped::Refused, batch.items);
                self.open_gate(departed);
            }
            Outcome::Retry(failure, asked) => {
                self.books.add(Metric::Failures(*failure), 1);
                self.shut_gate(departed, now, *asked, random);
                self.waiting.push_back(batch);
                self.expire(now);
            }
        }
    }

    /// Says whether a batch of before could be taken over.
    pub(super) fn has_room(&self) -> bool {
        self.out() < SLOTS
    }

    /// Takes over a batch of before.
    pub(super) fn adopt(&mut self, items: u64, body: &[u8]) {
        self.books.adopted = self.books.adopted.saturating_add(items);
        if body.len() > MAX_SIZE || !self.has_room() {
            self.drop(Dropped::Oversize, items);
            return;
        }
        self.waiting.push_back(Batch { items, body: self.envelope.frame(body), deadline: None });
    }

    /// Gives everything away, as requests without gRPC's frame and the number of their items.
    pub(super) fn hand_over(&mut self) -> Vec<(u64, Vec<u8>)> {
        let flights = std::mem::take(&mut self.in_flight).into_values();
        let mut batches: Vec<Batch> = flights.map(|flight| flight.batch).collect();
        batches.extend(std::mem::take(&mut self.waiting));
        while let Some(batch) = self.pack() {
            batches.push(batch);
        }
        let given = batches.iter().map(|batch| batch.items).fold(0, u64::saturating_add);
        self.books.handed_over = self.books.handed_over.saturating_add(given);
        let plain = |batch: Batch| (batch.items, self.envelope.unframe(batch.body));
        batches.into_iter().map(plain).collect()
    }

    /// Returns how many items are there.
    #[cfg(test)]
    pub(super) fn items(&self) -> u64 {
        let flights = self.in_flight.values().map(|flight| flight.batch.items);
        let waiting = self.waiting.iter().map(|batch| batch.items);
        let out = flights.chain(waiting).sum::<u64>();
        out.saturating_add(self.queue.len() as u64)
    }

    /// Returns how many bytes are there.
    pub(super) fn bytes(&self) -> usize {
        let flights = self.in_flight.values().map(|flight| flight.batch.body.len());
        let waiting = self.waiting.iter().map(|batch| batch.body.len());
        flights.chain(waiting).fold(self.queue.bytes(), usize::saturating_add)
    }

    pub(super) const fn books(&self) -> &Books {
        &self.books
    }

    /// Returns how many bytes of items fit in a request.
    fn room(&self) -> usize {
        self.limits.batch_bytes.saturating_sub(self.envelope.size())
    }

    fn out(&self) -> usize {
        self.waiting.len().saturating_add(self.in_flight.len())
    }

    /// Makes a batch when it is worth it and a slot is free.
    fn form(&mut self, now: Duration) -> Option<Batch> {
        let is_ready = self.queue.is_ready(now, &self.limits, self.room());
        if is_ready && self.has_room() { self.pack() } else { None }
    }

    /// Makes a batch of what is in the queue.
    fn pack(&mut self) -> Option<Batch> {
        let items = self.queue.take(self.limits.batch_items, self.room());
        if items.is_empty() {
            return None;
        }
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        Some(Batch { items: count, body: self.envelope.wrap(items.iter()), deadline: None })
    }

    /// Gives up batches that were tried for long enough.
    fn expire(&mut self, now: Duration) {
        let mut expired = 0_u64;
        self.waiting.retain(|batch| {
            let is_over = batch.deadline.is_some_and(|deadline| now >= deadline);
            if is_over {
                expired = expired.saturating_add(batch.items);
            }
            !is_over
        });
        self.drop(Dropped::Expired, expired);
    }

    fn drop(&mut self, why: Dropped, items: u64) {
        self.books.add(Metric::Dropped(why), items);
    }

    /// Ends the pause, if the answer is to a request that was sent after the failure.
    fn open_gate(&mut self, departed: Duration) {
        if self.gate.is_none_or(|gate| departed > gate.since) {
            self.gate = None;
            self.failures = 0;
        }
    }

    /// Begins a pause; requests that were on their way together count as one failure.
    fn shut_gate(
        &mut self,
        departed: Duration,
        now: Duration,
        asked: Option<Duration>,
        random: u64,
    ) {
        let is_echo = self.gate.is_some_and(|gate| departed <= gate.since);
        if !is_echo {
            self.failures = self.failures.saturating_add(1);
        }
        let until = now.saturating_add(backoff::pause(self.failures, asked, random));
        self.gate = Some(match self.gate {
            Some(gate) if is_echo => Gate { since: gate.since, until: gate.until.max(until) },
            _ => Gate { since: now, until },
        });
    }
}

#[cfg(test)]
mod tests;
