//! Generated interleavings of workers that share limits, a key and a handoff queue.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use filter_core::Generator;
use filter_host::memory::Proxy;

use super::{
    Meter, metric,
    outcome::numbers,
    scenarios::{TICK, answer, request},
    start,
};

const WORKERS: usize = 3;
const SCHEDULES: u64 = 200;
const STEPS: usize = 60;
const MAX_VALUES: usize = 3;
const MAX_SERIES: usize = 6;
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Few values and series, and records of every stream for a collector.
const DOCUMENT: &str = r#"{
    "metrics": {"labels": true, "maxValues": 3, "maxSeries": 6, "definitions": [
        {"name": "tenant", "dimensions": {"tenant": {"value": "request.headers['x-tenant']"}}},
        {"name": "pair", "dimensions": {
            "tenant": {"value": "request.headers['x-tenant']"},
            "side": {"value": "request.headers['x-side']"}}}
    ]},
    "extensionProviders": [{"name": "otel", "opentelemetry": {"cluster": "collector", "http": {},
        "queue": {"maxBatchDelay": "200ms", "maxElapsedTime": "10m"}}}],
    "accessLogging": [
        {"providers": [{"name": "otel"}], "maxPerSecond": 1000},
        {"maxPerSecond": 1000, "fields": {
            "user": {"value": "request.headers['x-user']", "redact": "HASH"}}}
    ]}"#;

/// A worker and its open streams.
struct Member {
    worker: Meter,
    streams: Vec<u32>,
}

/// The workers of a proxy, and what they did.
struct Pod {
    members: Vec<RefCell<Member>>,
    generator: RefCell<Generator>,
    opened: Cell<usize>,
    ended: Cell<u64>,
    /// How often the collector accepted the record of each stream.
    accepted: RefCell<BTreeMap<String, usize>>,
}

impl Pod {
    fn new(proxy: &Proxy, seed: u64) -> Rc<Self> {
        let member =
            |_| RefCell::new(Member { worker: start(proxy, DOCUMENT), streams: Vec::new() });
        Rc::new(Self {
            members: (0..WORKERS).map(member).collect(),
            generator: RefCell::new(Generator::new(seed)),
            opened: Cell::new(0),
            ended: Cell::new(0),
            accepted: RefCell::default(),
        })
    }

    fn draw(&self, below: usize) -> usize {
        let bits = self.generator.borrow_mut().bits();
        usize::try_from(bits.checked_rem(below as u64).unwrap()).unwrap()
    }

    /// Runs an event of any worker that is not running.
    fn step(&self, proxy: &Proxy) {
        let Ok(mut member) = self.members[self.draw(WORKERS)].try_borrow_mut() else { return };
        match self.draw(10) {
            0..=3 => self.open(&mut member),
            4..=6 => self.end(&mut member),
            7 => member.worker.advance(TICK),
            8 => self.answer(proxy, &mut member, self.draw(2) == 0),
            _ if self.draw(3) == 0 => self.restart(proxy, &mut member),
            _ => {}
        }
    }

    fn open(&self, member: &mut Member) {
        let path = format!("/{}/stream", self.opened.get());
        self.opened.set(self.opened.get().saturating_add(1));
        let (tenant, side) = (format!("tenant-{}", self.draw(6)), format!("{}", self.draw(2)));
        let headers =
            request(&path, &[("x-tenant", &tenant), ("x-side", &side), ("x-user", "alice")]);
        member.streams.push(member.worker.request(&headers));
    }

    fn end(&self, member: &mut Member) {
        if member.streams.is_empty() {
            return;
        }
        let stream = member.streams.swap_remove(self.draw(member.streams.len()));
        member.worker.respond(stream, 200);
        member.worker.end(stream);
        self.ended.set(self.ended.get().saturating_add(1));
    }

    /// Answers the requests of a worker to the collector.
    fn answer(&self, proxy: &Proxy, member: &mut Member, is_accepted: bool) {
        let status = if is_accepted { "200" } else { "503" };
        for call in answer(proxy, &mut member.worker, &[(":status", status)], b"") {
            for number in numbers(&call.body).into_iter().filter(|_| is_accepted) {
                let mut accepted = self.accepted.borrow_mut();
                let count = accepted.entry(number).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    /// Replaces a worker by one with a new configuration. The old one ends its streams first.
    fn restart(&self, proxy: &Proxy, member: &mut Member) {
        let new = start(proxy, DOCUMENT);
        while !member.streams.is_empty() {
            self.end(member);
        }
        member.worker = new;
    }
}

/// Returns the number of shared hashes at a key.
fn hashes(proxy: &Proxy, key: &str) -> usize {
    proxy.shared(&format!("weir.telemetry.test.{key}")).unwrap_or_default().len() / 8
}

fn series(proxy: &Proxy, family: &str) -> Vec<(String, u64)> {
    let prefix = format!("weir_telemetry_{family}.");
    let metrics = proxy.metrics().into_iter();
    metrics.filter(|(name, _)| name.starts_with(&prefix)).collect()
}

/// Asserts the limits, which hold between any two host calls.
fn assert_limits(proxy: &Proxy) {
    assert!(hashes(proxy, "values.tenant") <= MAX_VALUES);
    for family in ["tenant_total", "pair_total"] {
        let admitted = hashes(proxy, &format!("series.weir_telemetry_{family}"));
        assert!(admitted < MAX_SERIES, "{family}: one series is reserved");
        assert!(series(proxy, family).len() <= MAX_SERIES, "{family}");
    }
}

/// Runs a schedule.
fn run(seed: u64) {
    let proxy = Rc::new(Proxy::new());
    proxy.add_cluster("collector");
    let pod = Pod::new(&proxy, seed);
    let (interrupting, shared) = (Rc::clone(&pod), Rc::clone(&proxy));
    proxy.interrupt(move |_| {
        if interrupting.draw(3) == 0 {
            interrupting.step(&shared);
            assert_limits(&shared);
        }
    });
    (0..STEPS).for_each(|_| pod.step(&proxy));
    proxy.stop_interrupts();
    for member in &pod.members {
        let member = &mut *member.borrow_mut();
        while !member.streams.is_empty() {
            pod.end(member);
        }
    }
    for _ in 0..10 {
        proxy.pass(LONGEST_BACKOFF);
        for member in &pod.members {
            let member = &mut *member.borrow_mut();
            member.worker.tick();
            pod.answer(&proxy, member, true);
        }
    }
    pod.members.iter().for_each(|member| member.borrow_mut().worker.advance(TICK));
    assert_ends(&proxy, &pod, seed);
}

/// Asserts what holds when all streams have ended and the queues are empty.
fn assert_ends(proxy: &Proxy, pod: &Pod, seed: u64) {
    assert_limits(proxy);
    let ended = pod.ended.get();
    for family in ["tenant_total", "pair_total", "requests_total"] {
        let total: u64 = series(proxy, family).iter().map(|(_, count)| count).sum();
        assert_eq!(total, ended, "seed {seed}: {family}");
    }
    let is_other = |(name, _): &&(String, u64)| name.contains("tenant=.=other;");
    let other: u64 = series(proxy, "tenant_total").iter().filter(is_other).map(|(_, n)| n).sum();
    let overflow = "weir_telemetry_overflow_total.metric=.=weir_telemetry_tenant_total;.;";
    assert_eq!(proxy.metric(overflow), other, "seed {seed}");
    let admitted = proxy.shared_keys().into_iter();
    let admitted = admitted.filter_map(|key| {
        key.strip_prefix("weir.telemetry.test.")
            .filter(|key| key.starts_with("series."))
            .map(str::to_owned)
    });
    let admitted: usize = admitted.map(|key| hashes(proxy, &key)).sum();
    assert_eq!(metric(proxy, "series"), admitted as u64, "seed {seed}");
    assert_eq!(series(proxy, "requests_in_flight"), [], "seed {seed}");
    assert_exports(proxy, pod, seed);
    let log = proxy.log(3);
    let users: BTreeSet<_> =
        log.iter().filter_map(|line| line.split(r#""user":""#).nth(1)?.get(..16)).collect();
    assert_eq!(users.len(), 1, "seed {seed}: one key of all workers");
}

/// Asserts that the collector accepted the record of each stream once.
fn assert_exports(proxy: &Proxy, pod: &Pod, seed: u64) {
    let ended = pod.ended.get();
    assert_eq!(metric(proxy, "queue_bytes"), 0, "seed {seed}");
    assert_eq!(metric(proxy, "logs_sent_total"), ended, "seed {seed}");
    let accepted = pod.accepted.borrow();
    assert_eq!(accepted.len() as u64, ended, "seed {seed}: no record is lost");
    assert!(accepted.values().all(|count| *count == 1), "seed {seed}: {accepted:?}");
}

#[test]
fn workers_stay_within_the_limits_and_export_every_record_once() {
    (0..SCHEDULES).for_each(run);
}
