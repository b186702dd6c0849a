//! Generated interleavings of several workers: no schedule admits more than the limit.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use filter_core::Generator;
use filter_host::memory::Proxy;
use serde_json::{Value, json};

use super::{Limiter, ms, start};

/// Fewer on wasm32, where they take longer.
pub(super) const SCHEDULES: u64 = if cfg!(target_arch = "wasm32") { 30 } else { 150 };
const STEPS: usize = 80;

/// Workers whose requests interleave.
pub(super) struct Race {
    pub(super) proxy: Proxy,
    workers: Vec<RefCell<Limiter>>,
    generator: RefCell<Generator>,
    /// Open streams, by worker.
    open: RefCell<Vec<Vec<u32>>>,
    pub(super) admissions: RefCell<Vec<Admission>>,
    /// Maximum number of concurrent streams.
    pub(super) most_open: Cell<usize>,
    is_closing: Cell<bool>,
    mode: Mode,
}

/// A request that was admitted at some time from `begin` to `end`.
pub(super) struct Admission {
    user: usize,
    begin: Duration,
    end: Duration,
}

/// The passing of time and the ends of streams in a schedule.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// No time passes during a request.
    Instant,
    /// Time passes between the host calls of a request.
    Slow,
    /// Streams stay open until later.
    Open,
}

const USERS: [&str; 2] = ["a", "b"];

impl Race {
    /// Runs a schedule, in which up to three events happen between two host calls.
    pub(super) fn run(seed: u64, document: &Value, mode: Mode, proxy: Proxy) -> Rc<Self> {
        let race = Rc::new(Self {
            workers: (0..3).map(|_| RefCell::new(start(&proxy, document))).collect(),
            proxy,
            generator: RefCell::new(Generator::new(seed)),
            open: RefCell::new(vec![Vec::new(); 3]),
            admissions: RefCell::default(),
            most_open: Cell::new(0),
            is_closing: Cell::new(false),
            mode,
        });
        let interrupting = Rc::downgrade(&race);
        race.proxy.interrupt(move |_| {
            let Some(race) = interrupting.upgrade() else { return };
            if !race.is_closing.get() && race.draw(3) == 0 {
                (0..=race.draw(3)).for_each(|_| race.step(false));
            }
        });
        for _ in 0..STEPS {
            race.step(true);
        }
        race.is_closing.set(true);
        race.proxy.stop_interrupts();
        race
    }

    pub(super) fn draw(&self, below: u64) -> usize {
        let bits = self.generator.borrow_mut().bits();
        usize::try_from(bits.checked_rem(below).unwrap()).unwrap()
    }

    fn step(&self, may_pass: bool) {
        if (may_pass || matches!(self.mode, Mode::Slow)) && self.draw(4) == 0 {
            // A reading of the clock may be older only by the time that a window tolerates.
            let longest = if may_pass { 400 } else { 50 };
            self.proxy.pass(ms(self.draw(longest) as u64));
            return;
        }
        let index = self.draw(self.workers.len() as u64);
        let Ok(mut worker) = self.workers[index].try_borrow_mut() else { return };
        if matches!(self.mode, Mode::Open) && self.draw(2) == 0 {
            let stream = self.open.borrow_mut()[index].pop();
            if let Some(stream) = stream {
                worker.end(stream);
            }
            return;
        }
        let user = self.draw(USERS.len() as u64);
        let begin = self.proxy.now();
        let stream = worker.request(&[("x-user", USERS[user]), ("x-other", USERS[self.draw(2)])]);
        if worker.stream(stream).is_forwarded() {
            let end = self.proxy.now();
            self.admissions.borrow_mut().push(Admission { user, begin, end });
            if matches!(self.mode, Mode::Open) {
                self.open.borrow_mut()[index].push(stream);
                let open = self.open.borrow().iter().map(Vec::len).sum();
                self.most_open.set(self.most_open.get().max(open));
                return;
            }
        }
        worker.end(stream);
    }

    /// Ends all streams.
    pub(super) fn close(&self) {
        for (worker, open) in self.workers.iter().zip(self.open.take()) {
            for stream in open {
                worker.borrow_mut().end(stream);
            }
        }
    }

    /// Lets the metrics reach the proxy, and returns one.
    pub(super) fn metric(&self, name: &str) -> u64 {
        self.proxy.pass(ms(2_000));
        self.workers.iter().for_each(|worker| worker.borrow_mut().tick());
        super::metric(&self.proxy, name)
    }

    /// Returns by how much the admissions in an interval exceed `burst` and `per_second`; of each
    /// user if the limit has a key, and only in intervals shorter than `per` if it is given.
    fn excess(&self, is_keyed: bool, burst: f64, per_second: f64, per: Option<Duration>) -> f64 {
        let admissions = self.admissions.borrow();
        let users = if is_keyed { USERS.len() } else { 1 };
        let mut worst = f64::MIN;
        for user in 0..users {
            let own: Vec<_> = admissions.iter().filter(|a| !is_keyed || a.user == user).collect();
            for start in own.iter().map(|first| first.begin) {
                for end in own.iter().map(|last| last.end).filter(|end| *end >= start) {
                    let elapsed = end - start;
                    if per.is_some_and(|per| elapsed >= per) {
                        continue;
                    }
                    let within = own.iter().filter(|a| a.begin >= start && a.end <= end).count();
                    let allowed = burst + per_second * elapsed.as_secs_f64();
                    worst = worst.max(within as f64 - allowed);
                }
            }
        }
        worst
    }
}

fn document(window: &str, key: &Value) -> Value {
    let mut limit = json!({"name": "a", "requests": 4, "per": "1s", "window": window, "key": key});
    if *key != json!([]) {
        limit["maxKeys"] = json!(16);
    }
    json!({"limits": [limit]})
}

fn keys() -> [Value; 2] {
    [json!([]), json!([{"httpHeaderName": "x-user"}])]
}

/// Runs all schedules; `check` returns `true` if the limit was reached.
fn run(document: &Value, check: impl Fn(u64, &Race) -> bool) {
    let mut reached = 0_u64;
    for seed in 0..SCHEDULES {
        for mode in [Mode::Instant, Mode::Slow] {
            let race = Race::run(seed, document, mode, Proxy::new());
            reached += u64::from(check(seed, &race));
            assert_eq!(race.metric("errors_total"), 0, "seed {seed}");
            assert_eq!(race.metric("contended_total"), 0, "seed {seed}");
        }
    }
    assert!(
        reached > 2 * SCHEDULES / 3,
        "the limit was reached in {reached} schedules: {document}"
    );
}

#[test]
fn a_token_bucket_is_never_exceeded() {
    for key in keys() {
        let is_keyed = key != json!([]);
        run(&document("TOKEN_BUCKET", &key), |seed, race| {
            let excess = race.excess(is_keyed, 4.0, 4.0, None);
            assert!(excess <= 1e-6, "seed {seed}: {excess}");
            excess > -0.5
        });
    }
}

#[test]
fn a_sliding_window_is_never_exceeded() {
    for key in keys() {
        let is_keyed = key != json!([]);
        run(&document("SLIDING", &key), |seed, race| {
            let excess = race.excess(is_keyed, 4.0, 0.0, Some(ms(1_000)));
            assert!(excess <= 0.0, "seed {seed}: {excess}");
            excess == 0.0
        });
    }
}

#[test]
fn a_fixed_window_is_never_exceeded() {
    for key in keys() {
        let is_keyed = key != json!([]);
        run(&document("FIXED", &key), |seed, race| {
            let mut by_window = std::collections::BTreeMap::<_, u64>::new();
            // Admissions on a boundary belong to either window.
            let is_within = |a: &&Admission| a.begin.as_secs() == a.end.as_secs();
            for admission in race.admissions.borrow().iter().filter(is_within) {
                let user = if is_keyed { admission.user } else { 0 };
                *by_window.entry((user, admission.begin.as_secs())).or_default() += 1;
            }
            let most = by_window.into_values().max().unwrap_or_default();
            assert!(most <= 4, "seed {seed}: {most}");
            most == 4
        });
    }
}

#[test]
fn units_are_given_back_if_another_limit_refuses_meanwhile() {
    let limit = |name: &str, requests: u64, header: &str| {
        json!({"name": name, "requests": requests, "per": "1h",
            "key": [{"httpHeaderName": header}], "maxKeys": 16})
    };
    let document = json!({"limits": [limit("a", 6, "x-user"), limit("b", 6, "x-other")]});
    for seed in 0..SCHEDULES {
        let race = Race::run(seed, &document, Mode::Instant, Proxy::new());
        let admitted = race.admissions.borrow().len();
        assert!(admitted <= 12, "seed {seed}: {admitted}");
        // If units were lost, fewer would pass: both limits have 2 counts of 6 units.
        let mut worker = start(&race.proxy, &document);
        let mut rest = 0;
        for (user, other) in [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")] {
            rest += super::admitted(&mut worker, &[("x-user", user), ("x-other", other)], 20);
        }
        assert_eq!(admitted + rest, 12, "seed {seed}: {admitted} and {rest}");
    }
}
