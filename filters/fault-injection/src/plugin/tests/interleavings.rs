//! Generated interleavings of workers that share slots, a budget, the automatic stop and schedules.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use filter_core::{ErrorWindow, Generator};
use filter_host::{memory::Proxy, stream::ContextId};

use super::{Injector, count, metric, ms, slots, start};

const WORKERS: usize = 3;
const SCHEDULES: u64 = 300;
const STEPS: usize = 120;
const MAX_SLOTS: u64 = 2;
const PER_SECOND: u64 = 4;

/// Delays and aborts with `x-a`, and slow responses with `x-b`, from the first to the fourth second.
const DOCUMENT: &str = r#"{
    "maxActiveFaults": 2, "maxFaultsPerSecond": 4,
    "successCriteria": {"maxErrorRate": {"value": 10}, "minRequestCount": 3, "window": "1h"},
    "schedule": {"startsAt": "2026-01-01T00:00:01Z", "expiresAt": "2026-01-01T00:00:04Z"},
    "http": [
        {"name": "a", "match": [{"headers": {"x-a": {}}}], "fault": {
            "delay": {"percentage": {"value": 100}, "fixedDelay": "150ms"},
            "abort": {"percentage": {"value": 100}, "httpStatus": 503}}},
        {"name": "b", "match": [{"headers": {"x-b": {}}}], "fault": {
            "delay": {"percentage": {"value": 100}, "fixedDelay": "100ms", "phase": "RESPONSE"},
            "responseRateLimit": {"percentage": {"value": 100}, "fixedLimit": {"limitKbps": 16}}}}
    ]}"#;

/// A worker and its open streams.
struct Member {
    worker: Injector,
    streams: Vec<ContextId>,
}

/// The workers of a proxy, and the number of their events.
struct Pod {
    members: Vec<RefCell<Member>>,
    generator: RefCell<Generator>,
    begun: Duration,
    faults: Cell<u64>,
    matching: Cell<u64>,
    /// One of this many responses is an error.
    errors_every: usize,
}

impl Pod {
    fn new(proxy: &Proxy, seed: u64) -> Self {
        let member =
            |_| RefCell::new(Member { worker: start(proxy, DOCUMENT), streams: Vec::new() });
        Self {
            members: (0..WORKERS).map(member).collect(),
            generator: RefCell::new(Generator::new(seed)),
            begun: proxy.now(),
            faults: Cell::new(0),
            matching: Cell::new(0),
            errors_every: if seed.is_multiple_of(2) { 6 } else { 100 },
        }
    }

    fn draw(&self, below: usize) -> usize {
        let bits = self.generator.borrow_mut().bits();
        usize::try_from(bits.checked_rem(below as u64).unwrap()).unwrap()
    }

    /// Runs an event of any worker that is not running.
    fn step(&self, proxy: &Proxy) {
        let Ok(mut member) = self.members[self.draw(WORKERS)].try_borrow_mut() else { return };
        match self.draw(12) {
            0..4 => {
                let millis = self.draw(150);
                member.worker.advance(ms(u64::try_from(millis).unwrap()));
            }
            4..8 => self.request(proxy, &mut member),
            8..11 => self.respond_or_leave(&mut member),
            _ if self.draw(8) == 0 => {
                *member = Member { worker: start(proxy, DOCUMENT), streams: Vec::new() };
            }
            _ => {}
        }
        self.assert_limits(proxy);
    }

    fn request(&self, proxy: &Proxy, member: &mut Member) {
        let headers = [&[("x-a", "1")][..], &[("x-b", "1")], &[]][self.draw(3)];
        let was_stopped = is_stopped(proxy);
        let was_over = is_over(proxy);
        let stream = member.worker.request(headers);
        let is_faulty = member.worker.stream(stream).property("weir.fault").is_some();
        assert!(!(is_faulty && (was_stopped || was_over)), "a fault after the end");
        count(&self.faults, is_faulty);
        count(&self.matching, !headers.is_empty());
        member.streams.push(stream);
    }

    /// Advances a stream: its response, the end, or a client that leaves.
    fn respond_or_leave(&self, member: &mut Member) {
        if member.streams.is_empty() {
            return;
        }
        let index = self.draw(member.streams.len());
        let (stream, worker) = (member.streams[index], &mut member.worker);
        let state = worker.stream(stream);
        let is_answered = state.reply.is_some() || state.response_header(":status").is_some();
        if state.is_forwarded() && !is_answered {
            let status = if self.draw(self.errors_every) == 0 { "500" } else { "200" };
            worker.response_headers(stream, &[(":status", status)], false);
        } else if state.is_forwarded() && !state.is_response_paused && self.draw(2) == 0 {
            worker.response_body(stream, &[b'x'; 1_024], self.draw(2) == 0);
        } else if state.is_request_paused || state.is_response_paused {
            member.streams.swap_remove(index);
            worker.leave(stream);
        } else {
            member.streams.swap_remove(index);
            worker.end(stream);
        }
    }

    fn assert_limits(&self, proxy: &Proxy) {
        assert!(slots(proxy) <= MAX_SLOTS, "too many slots");
        let elapsed = proxy.now().saturating_sub(self.begun).as_secs_f64();
        let most = PER_SECOND as f64 * (1.0 + elapsed);
        assert!(self.faults.get() as f64 <= most, "too many faults");
    }
}

/// Returns `true` after the automatic stop.
fn is_stopped(proxy: &Proxy) -> bool {
    let keys = proxy.shared_keys();
    let guard = keys.iter().find(|key| key.ends_with(".guard")).unwrap();
    ErrorWindow::from_bytes(&proxy.shared(guard).unwrap()).is_tripped()
}

/// Returns `true` after the end of the schedule.
fn is_over(proxy: &Proxy) -> bool {
    proxy.now() >= Duration::from_millis(1_767_225_604_000)
}

/// Runs a schedule. Returns `true` if it stopped the faults.
fn run(seed: u64) -> bool {
    let proxy = Rc::new(Proxy::new());
    let pod = Rc::new(Pod::new(&proxy, seed));
    let (interrupting, shared) = (Rc::downgrade(&pod), Rc::clone(&proxy));
    proxy.interrupt(move |_| {
        let Some(interrupting) = interrupting.upgrade() else { return };
        if interrupting.draw(3) == 0 {
            interrupting.step(&shared);
        }
    });
    let mut was_stopped = false;
    for _ in 0..STEPS {
        pod.step(&proxy);
        assert!(is_stopped(&proxy) || !was_stopped, "seed {seed}: the stop ended");
        was_stopped = is_stopped(&proxy);
    }
    proxy.stop_interrupts();
    assert_ends(&proxy, &pod, seed);
    was_stopped
}

/// Asserts the invariants after all delays have passed and all streams have ended.
fn assert_ends(proxy: &Proxy, pod: &Pod, seed: u64) {
    for member in &pod.members {
        let Member { worker, streams } = &mut *member.borrow_mut();
        worker.advance(ms(5_000));
        assert_eq!(worker.tick_period(), None, "seed {seed}");
        for stream in streams.drain(..) {
            let state = worker.end(stream);
            let is_held = state.is_request_paused && state.reply.is_none();
            assert!(!is_held && !state.is_response_paused, "seed {seed}: a stream hangs");
        }
    }
    assert_eq!((slots(proxy), metric(proxy, "active")), (0, 0), "seed {seed}");
    let skipped = ["skipped_overflow_total", "skipped_budget_total", "skipped_stopped_total"];
    let skipped: u64 = skipped.iter().map(|name| metric(proxy, name)).sum();
    let (faults, matching) = (pod.faults.get(), pod.matching.get());
    assert_eq!(metric(proxy, "delays_total"), faults, "seed {seed}");
    assert!(faults.saturating_add(skipped) <= matching, "seed {seed}");
    assert_eq!(metric(proxy, "errors_total"), 0, "seed {seed}");
    let lines = |text: &str| proxy.log(2).iter().filter(|line| line.starts_with(text)).count();
    assert_eq!(lines("stopped: "), usize::from(is_stopped(proxy)), "seed {seed}");
    assert_eq!(metric(proxy, "stopped"), u64::from(is_stopped(proxy)), "seed {seed}");
    let (begins, ends) = (lines("the schedule begins"), lines("the schedule ends"));
    assert!(ends <= begins && begins <= 1, "seed {seed}: {begins} {ends}");
}

#[test]
fn workers_never_exceed_the_limits_and_release_every_slot() {
    let stopped = (0..SCHEDULES).filter(|seed| run(*seed)).count();
    assert!((50..250).contains(&stopped), "{stopped} schedules stopped the faults");
}
