//! Generated interleavings of workers that share a guard.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::{cell::RefCell, rc::Rc, time::Duration};

use filter_core::{ErrorCounts, ErrorWindow, Generator, SuccessCriteria};
use filter_host::memory::Proxy;

use super::{Tagger, canaries::CANARY, start};

const WORKERS: usize = 3;
const SCHEDULES: u64 = 300;
const STEPS: usize = 60;

/// A worker, its open streams, and what is expected of it.
struct Member {
    worker: Tagger,
    streams: Vec<u32>,
    /// `true` once it refreshed after the rollback.
    must_be_stable: bool,
}

/// The workers of a proxy, and the responses that they have counted.
struct Pod {
    members: Vec<RefCell<Member>>,
    generator: RefCell<Generator>,
    counted: RefCell<ErrorCounts>,
    /// One of this many responses is an error.
    errors_every: usize,
}

impl Pod {
    fn new(proxy: &Proxy, seed: u64) -> Rc<Self> {
        let member = |_| {
            let worker = start(proxy, CANARY);
            RefCell::new(Member { worker, streams: Vec::new(), must_be_stable: false })
        };
        Rc::new(Self {
            members: (0..WORKERS).map(member).collect(),
            generator: RefCell::new(Generator::new(seed)),
            counted: RefCell::default(),
            errors_every: if seed.is_multiple_of(2) { 6 } else { 40 },
        })
    }

    fn draw(&self, below: usize) -> usize {
        let bits = self.generator.borrow_mut().bits();
        usize::try_from(bits.checked_rem(below as u64).unwrap()).unwrap()
    }

    /// Runs an event of any worker that is not running.
    fn step(&self, proxy: &Proxy) {
        let Ok(mut member) = self.members[self.draw(WORKERS)].try_borrow_mut() else { return };
        match self.draw(5) {
            0 => {
                let was_tripped = window(proxy).is_tripped();
                member.worker.advance(Duration::from_secs(1));
                member.must_be_stable |= was_tripped;
            }
            1 | 2 => {
                let stream = member.worker.request(&[]);
                let tag = member.worker.stream(stream).request_header("x-weir-tag");
                assert!(!member.must_be_stable || tag.as_deref() == Some("stable"));
                member.streams.push(stream);
            }
            3 if member.streams.is_empty() && self.draw(4) == 0 => {
                let was_tripped = window(proxy).is_tripped();
                member.worker = start(proxy, CANARY);
                member.must_be_stable |= was_tripped;
            }
            _ => self.respond(&mut member),
        }
    }

    /// Ends a stream of a worker with a response, which is an error in some streams.
    fn respond(&self, member: &mut Member) {
        if member.streams.is_empty() {
            return;
        }
        let stream = member.streams.swap_remove(self.draw(member.streams.len()));
        let is_error = self.draw(self.errors_every) == 0;
        member.worker.respond(stream, if is_error { 503 } else { 200 });
        let stream = member.worker.end(stream);
        if stream.request_header("x-weir-tag").as_deref() == Some("canary") {
            let mut counted = self.counted.borrow_mut();
            counted.total = counted.total.saturating_add(1);
            counted.errors = counted.errors.saturating_add(is_error.into());
        }
    }
}

/// Returns the shared error window.
fn window(proxy: &Proxy) -> ErrorWindow {
    let keys = proxy.shared_keys();
    let [key] = &keys[..] else { panic!("one guard: {keys:?}") };
    ErrorWindow::from_bytes(&proxy.shared(key).unwrap())
}

/// Runs a schedule. Returns `true` if it rolled the canary back.
fn run(seed: u64) -> bool {
    let proxy = Rc::new(Proxy::new());
    let pod = Pod::new(&proxy, seed);
    let (interrupting, shared) = (Rc::clone(&pod), Rc::clone(&proxy));
    proxy.interrupt(move |_| {
        if interrupting.draw(3) == 0 {
            interrupting.step(&shared);
        }
    });
    let mut was_tripped = false;
    for _ in 0..STEPS {
        pod.step(&proxy);
        let is_tripped = window(&proxy).is_tripped();
        assert!(is_tripped || !was_tripped, "seed {seed}: the rollback ended");
        was_tripped = is_tripped;
    }
    proxy.stop_interrupts();
    for member in &pod.members {
        let member = &mut *member.borrow_mut();
        while !member.streams.is_empty() {
            pod.respond(member);
        }
    }
    for member in &pod.members {
        member.borrow_mut().worker.advance(Duration::from_secs(2));
    }
    assert_ends(&proxy, &pod, seed);
    window(&proxy).is_tripped()
}

/// Asserts the invariants after all streams have ended and all workers have refreshed.
fn assert_ends(proxy: &Proxy, pod: &Pod, seed: u64) {
    let metric = |name: &str| proxy.metric(&format!("weir_routing_tags_canary_api_{name}"));
    let counted = *pod.counted.borrow();
    let counters = ErrorCounts { total: metric("requests_total"), errors: metric("errors_total") };
    assert_eq!(counters, counted, "seed {seed}");
    let criteria = r#"{"maxErrorRate": {"value": 10}, "minRequestCount": 10, "window": "1h"}"#;
    let criteria: SuccessCriteria = serde_json::from_str(criteria).unwrap();
    let window = window(proxy);
    let shared = criteria.guard(Duration::ZERO).counts(&window, proxy.now());
    assert_eq!(shared, counted, "seed {seed}: every response is in the window");
    let lines = proxy.log(3).iter().filter(|line| line.contains("rolled back")).count();
    assert_eq!(lines, usize::from(window.is_tripped()), "seed {seed}");
    assert_eq!(proxy.log(3).len(), lines, "seed {seed}");
    let gauges = if window.is_tripped() { (1, 0) } else { (0, 10_000) };
    assert_eq!((metric("rolled_back"), metric("weight")), gauges, "seed {seed}");
    for member in &pod.members {
        let worker = &mut member.borrow_mut().worker;
        let stream = worker.request(&[]);
        let is_stable =
            worker.end(stream).request_header("x-weir-tag").as_deref() == Some("stable");
        assert_eq!(is_stable, window.is_tripped(), "seed {seed}");
    }
}

#[test]
fn workers_count_every_response_and_roll_back_once() {
    let rolled_back = (0..SCHEDULES).filter(|seed| run(*seed)).count();
    assert!((100..250).contains(&rolled_back), "{rolled_back} schedules rolled back");
}
