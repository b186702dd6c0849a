//! All lanes of one worker.

use std::time::{Duration, SystemTime};

use super::{
    Answer, Dropped, Failure, HandedOver, Metric, Outcome, Protocol, Provider, books::Books,
    lane::Lane,
};
use crate::export::otlp::{Item, Signal};

/// How often one kind of trouble is told.
const QUIET: Duration = Duration::from_mins(1);

/// A lane of an exporter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LaneId(usize);

/// A request on its way.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Ticket(pub(super) u64);

/// The queues of one worker, and what is on its way from them. Not to be shown: it holds secrets.
#[derive(Default)]
pub struct Exporter {
    berths: Vec<Berth>,
    tickets: u64,
    orphans: Vec<Orphan>,
}

/// A request to send now. Not to be shown: it holds secrets.
#[derive(Clone, Copy)]
pub struct Departure<'a> {
    /// What the answer must be brought with.
    pub ticket: Ticket,
    /// The cluster to call.
    pub cluster: &'a str,
    /// The request's headers. Some are secrets.
    pub headers: &'a [(String, String)],
    /// The request's body.
    pub body: &'a [u8],
    /// How long the answer may take.
    pub timeout: Duration,
}

/// Counts of a signal that belong to no lane.
struct Orphan {
    signal: Signal,
    items: u64,
    bytes: usize,
}

/// A lane, and how its provider is called.
struct Berth {
    provider: Box<str>,
    cluster: Box<str>,
    signal: Signal,
    protocol: Protocol,
    headers: Vec<(String, String)>,
    timeout: Duration,
    lane: Lane,
    told: Books,
    told_bytes: i64,
    /// When each kind of trouble was told last.
    warned: [Option<Duration>; 3],
}

impl Exporter {
    /// Opens a lane to a provider; `found` is what the proxy knows of the resource.
    pub fn open(
        &mut self,
        provider: &Provider,
        signal: Signal,
        found: &[(String, String)],
    ) -> LaneId {
        let id = LaneId(self.berths.len());
        self.berths.push(Berth {
            provider: provider.name.clone(),
            cluster: provider.cluster.as_str().into(),
            signal,
            protocol: provider.protocol.clone(),
            headers: provider.headers(signal),
            timeout: provider.timeout,
            lane: Lane::new(provider.limits, provider.envelope(found)),
            told: Books::default(),
            told_bytes: 0,
            warned: [None; 3],
        });
        id
    }

    /// Says whether there is no lane.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.berths.is_empty()
    }

    /// Puts an item in the queue of a lane.
    pub fn offer(&mut self, lane: LaneId, item: Item, now: Duration) {
        if let Some(berth) = self.berths.get_mut(lane.0) {
            berth.lane.offer(item, now);
        }
    }

    /// Sends the next request off, if one may go now; to be asked until there is none.
    pub fn depart(&mut self, now: Duration) -> Option<Departure<'_>> {
        let ticket = Ticket(self.tickets);
        for berth in &mut self.berths {
            let Berth { cluster, headers, timeout, lane, .. } = berth;
            if let Some(body) = lane.depart(ticket, now) {
                self.tickets = self.tickets.wrapping_add(1);
                return Some(Departure { ticket, cluster, headers, body, timeout: *timeout });
            }
        }
        None
    }

    /// Takes an answer, `None` where the proxy knows no such cluster; returns what to warn of.
    ///
    /// `wall` is the time of day, and `random` decides how long the next pause is.
    pub fn arrive(
        &mut self,
        ticket: Ticket,
        answer: Option<&Answer>,
        now: Duration,
        wall: SystemTime,
        random: u64,
    ) -> Arrival {
        for berth in &mut self.berths {
            let Some(took) = berth.lane.elapsed(ticket, now) else { continue };
            let outcome = berth.outcome(answer, took, wall);
            berth.lane.arrive(ticket, &outcome, now, random);
            let warning = berth.warning(&outcome, now);
            return Arrival { took: answer.map(|_| took), warning };
        }
        Arrival::default()
    }

    /// Says whether every lane could take over a batch of before.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.berths.iter().all(|berth| berth.lane.has_room())
    }

    /// Takes over a batch of the configuration before; its bytes were counted there.
    pub fn adopt(&mut self, batch: &HandedOver) {
        let (items, bytes) = (u64::from(batch.items), batch.body.len());
        let is_its =
            |berth: &&mut Berth| *berth.provider == *batch.provider && berth.signal == batch.signal;
        match self.berths.iter_mut().find(is_its) {
            Some(berth) => {
                berth.told_bytes = berth.told_bytes.saturating_add(signed(bytes));
                berth.lane.adopt(items, &batch.body);
            }
            None => self.orphans.push(Orphan { signal: batch.signal, items, bytes }),
        }
    }

    /// Gives everything away to the configuration to come.
    pub fn hand_over(&mut self) -> Vec<HandedOver> {
        let mut all = Vec::new();
        for berth in &mut self.berths {
            for (items, body) in berth.lane.hand_over() {
                // What is given away stays counted; whoever sends it takes it off.
                berth.told_bytes = berth.told_bytes.saturating_sub(signed(body.len()));
                all.push(HandedOver {
                    provider: berth.provider.to_string(),
                    signal: berth.signal,
                    items: u32::try_from(items).unwrap_or(u32::MAX),
                    body,
                });
            }
        }
        all
    }

    /// Returns what happened since the last time.
    pub fn tell(&mut self) -> Told {
        let mut told = Told::default();
        for berth in &mut self.berths {
            let books = *berth.lane.books();
            let more = books.since(&berth.told);
            told.counts.extend(more.map(|(metric, count)| (berth.signal, metric, count)));
            berth.told = books;
            let bytes = signed(berth.lane.bytes());
            told.growth = told.growth.saturating_add(bytes.saturating_sub(berth.told_bytes));
            berth.told_bytes = bytes;
        }
        let reconfigured = Metric::Dropped(Dropped::Reconfigured);
        for orphan in self.orphans.drain(..) {
            told.counts.push((orphan.signal, reconfigured, orphan.items));
            told.growth = told.growth.saturating_sub(signed(orphan.bytes));
        }
        told
    }
}

/// What happened since it was asked the last time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Told {
    /// What was counted, by signal.
    pub counts: Vec<(Signal, Metric, u64)>,
    /// By how many bytes the queues have grown.
    pub growth: i64,
}

/// What an answer brought beside its outcome.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Arrival {
    /// How long the answer took; `None` where nothing was sent.
    pub took: Option<Duration>,
    /// What to warn of, at most once a minute for each kind of trouble.
    pub warning: Option<String>,
}

impl Berth {
    fn outcome(&self, answer: Option<&Answer>, took: Duration, wall: SystemTime) -> Outcome {
        let Some(answer) = answer else { return Outcome::Retry(Failure::UnknownCluster, None) };
        match Outcome::of(answer, &self.protocol, wall) {
            // Of gRPC the proxy says UNAVAILABLE after a timeout too.
            Outcome::Retry(Failure::Unavailable, asked) if took >= self.timeout => {
                Outcome::Retry(Failure::Timeout, asked)
            }
            outcome => outcome,
        }
    }

    fn warning(&mut self, outcome: &Outcome, now: Duration) -> Option<String> {
        let (kind, what) = match outcome {
            Outcome::Taken(None) => return None,
            Outcome::Taken(Some(rejection)) => {
                (0, format!("{} rejected: {}", rejection.items, rejection.message))
            }
            Outcome::Refused(why) => (1, format!("dropped: {why}")),
            Outcome::Retry(Failure::UnknownCluster, _) => (2, UNKNOWN_CLUSTER.to_owned()),
            Outcome::Retry(failure, _) => (2, format!("tried again later: {failure}")),
        };
        let last = self.warned.get_mut(kind)?;
        if last.is_some_and(|last| now.saturating_sub(last) < QUIET) {
            return None;
        }
        *last = Some(now);
        let items = match self.signal {
            Signal::Traces => "spans",
            Signal::Logs => "log records",
        };
        Some(format!("{items} to {} through cluster {}: {what}", self.provider, self.cluster))
    }
}

const UNKNOWN_CLUSTER: &str = "this proxy has no such cluster: is there a ServiceEntry, does the \
                               Sidecar's egress name it, is the port right?";

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
