//! Workers that share one count of a simulated service, and the clients of both.

use std::collections::BTreeMap;

use super::*;

/// Length of the service's windows.
pub(super) const PER: Duration = Duration::from_secs(2);

/// A service with fixed windows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    pub(super) limit: u32,
    /// Counts refused hits, as envoyproxy/ratelimit does and Limitador does not.
    pub(super) counts_refused: bool,
    /// Reports the remaining units and the end of the window.
    pub(super) reports: bool,
}

/// A request or a step of a call.
#[derive(Clone, Copy, Debug)]
enum Event {
    Request {
        cost: u32,
    },
    /// The service decides on a call.
    Decision {
        hits: u32,
    },
    /// The answer reaches the worker, with the hits that were granted.
    Answer {
        granted: u32,
        window: u64,
    },
    /// A waiting client leaves.
    Leave,
}

/// The numbers of one window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    /// Hits that the service has counted.
    counted: u32,
    pub(super) granted: u32,
    pub(super) admitted: u32,
    /// Units of the window before that were still valid.
    pub(super) late: u32,
    /// `true` if a refused call was not repeated with fewer hits.
    pub(super) is_exhausted: bool,
    /// The hits of the largest call of each worker.
    pub(super) largest: [u32; WORKERS],
}

pub(super) const WORKERS: usize = 3;

struct Worker {
    batch: Batch<&'static str>,
    waiting: Vec<u32>,
    answer: Option<Result<Answer, ServiceFailure>>,
    is_calling: bool,
    granted: u32,
    admitted: u32,
}

impl Default for Worker {
    fn default() -> Self {
        let (batch, waiting) = (Batch::new(1), Vec::new());
        Self { batch, waiting, answer: None, is_calling: false, granted: 0, admitted: 0 }
    }
}

/// The simulation; every event checks the invariants.
pub(super) struct World {
    service: Service,
    workers: Vec<Worker>,
    events: BTreeMap<(Duration, usize), (usize, Event)>,
    scheduled: usize,
    now: Duration,
    latencies: Vec<Duration>,
    /// One in this many calls fails; none if zero.
    failures: usize,
    pub(super) windows: BTreeMap<u64, Totals>,
}

fn window(time: Duration) -> u64 {
    u64::try_from(time.as_nanos() / PER.as_nanos()).unwrap()
}

impl World {
    pub(super) fn new(service: Service, latencies: Vec<Duration>, failures: usize) -> Self {
        let workers = (0..WORKERS).map(|_| Worker::default()).collect();
        let (events, windows) = (BTreeMap::new(), BTreeMap::new());
        let (scheduled, now) = (0, Duration::ZERO);
        Self { service, workers, events, scheduled, now, latencies, failures, windows }
    }

    pub(super) fn request(&mut self, at: Duration, worker: usize, cost: u32, leaves: bool) {
        self.schedule(at, worker, Event::Request { cost });
        if leaves {
            self.schedule(at + MILLI, worker, Event::Leave);
        }
    }

    fn schedule(&mut self, at: Duration, worker: usize, event: Event) {
        self.scheduled += 1;
        self.events.insert((at, self.scheduled), (worker, event));
    }

    /// Runs until no event is left, and checks that no request waits then.
    pub(super) fn run(&mut self) {
        while let Some(((at, _), (index, event))) = self.events.pop_first() {
            assert!(self.scheduled < 100_000, "no progress");
            self.now = at;
            match event {
                Event::Request { cost } => self.draw(index, cost),
                Event::Decision { hits } => self.decide(index, hits),
                Event::Answer { granted, window } => self.answer(index, granted, window),
                Event::Leave => {
                    let worker = &mut self.workers[index];
                    if let Some(cost) = worker.waiting.pop() {
                        worker.batch.leave(&"key", cost);
                    }
                }
            }
            self.call(index);
            let worker = &self.workers[index];
            assert!(worker.waiting.is_empty() || worker.is_calling, "waits without a call");
            assert!(worker.admitted <= worker.granted, "more than granted");
        }
        assert!(self.workers.iter().all(|worker| worker.waiting.is_empty()));
    }

    fn draw(&mut self, index: usize, cost: u32) {
        let worker = &mut self.workers[index];
        match worker.batch.draw(&"key", cost, self.now) {
            Admitted => {
                worker.admitted += cost;
                self.windows.entry(window(self.now)).or_default().admitted += cost;
            }
            Wait => worker.waiting.push(cost),
            Refused { .. } => {}
            Exact => panic!("one key fits"),
        }
    }

    fn call(&mut self, index: usize) {
        if let Some(hits) = self.workers[index].batch.next_call(&"key", self.now, MAX_BATCH) {
            self.workers[index].is_calling = true;
            let latency = self.latencies[self.scheduled % self.latencies.len()];
            self.schedule(self.now + latency, index, Event::Decision { hits });
        }
    }

    fn decide(&mut self, index: usize, hits: u32) {
        let Service { limit, counts_refused, reports } = self.service;
        let number = window(self.now);
        let totals = self.windows.entry(number).or_default();
        let largest = &mut totals.largest[index];
        *largest = hits.max(*largest);
        let is_granted = totals.counted + hits <= limit;
        if is_granted || counts_refused {
            totals.counted += hits;
        }
        let granted = if is_granted { hits } else { 0 };
        totals.granted += granted;
        let code = if is_granted { Code::Ok } else { Code::OverLimit };
        let until_reset = PER * u32::try_from(number + 1).unwrap() - self.now;
        let remaining = limit.saturating_sub(totals.counted);
        let answered =
            if reports { answer(code, remaining, until_reset) } else { silent_answer(code) };
        let fails = self.failures != 0 && self.scheduled.is_multiple_of(self.failures);
        let worker = &mut self.workers[index];
        worker.granted += granted;
        worker.answer = Some(if fails { Err(ServiceFailure::Timeout) } else { Ok(answered) });
        let latency = self.latencies[self.scheduled % self.latencies.len()];
        let event = Event::Answer { granted, window: number };
        self.schedule(self.now + latency, index, event);
    }

    fn answer(&mut self, index: usize, granted: u32, decided_in: u64) {
        let valid_in = window(self.now + MILLI * 10);
        for late in decided_in + 1..=valid_in {
            self.windows.entry(late).or_default().late += granted;
        }
        let worker = &mut self.workers[index];
        worker.is_calling = false;
        let answer = worker.answer.take().unwrap();
        let is_over = answer.as_ref().is_ok_and(|answer| answer.code == Code::OverLimit);
        match worker.batch.on_answer(&"key", answer.as_ref().map_err(|failure| *failure), self.now)
        {
            Settled::AskAgain => {}
            Settled::Failed(_) => worker.waiting.clear(),
            Settled::Redraw => {
                self.windows.entry(decided_in).or_default().is_exhausted |= is_over;
                let waiting = std::mem::take(&mut worker.waiting);
                waiting.into_iter().for_each(|cost| self.draw(index, cost));
            }
        }
    }
}
