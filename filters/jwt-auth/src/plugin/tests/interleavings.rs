//! Generated interleavings of workers that share fetched keys.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::LazyLock,
    time::Duration,
};

use filter_core::Generator;
use filter_host::{memory::Proxy, stream::ContextId};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{
    GOOD, SECOND, TICK, Worker, expired_token, fate, fetching, good_token, keys, send, start,
    unknown_token,
};
use crate::{algorithm::Algorithm, testing};

const WORKERS: usize = 3;
/// Fewer in Wasm, which is slower.
const SCHEDULES: usize = if cfg!(target_arch = "wasm32") { 60 } else { 300 };
const STEPS: usize = 80;
/// A call is answered before its lease of 6 s expires.
const MAX_CALL: Duration = Duration::from_secs(3);

const UNAVAILABLE: &str = "503 weir_jwt_auth_denied{keys_unavailable,rule-0}";
const EXPIRED: &str = "401 weir_jwt_auth_denied{expired,rule-0}";
const NO_KEY: &str = "401 weir_jwt_auth_denied{key_not_found,rule-0}";
/// The outcomes that each of [`TOKENS`] may have.
const FATES: [&[&str]; 4] = [
    &[GOOD, UNAVAILABLE],
    &[EXPIRED, UNAVAILABLE],
    &[NO_KEY, UNAVAILABLE],
    &[GOOD, NO_KEY, UNAVAILABLE],
];
/// The index of the token with the key that the server adds later.
const ROTATED: usize = 3;
static TOKENS: LazyLock<[String; 4]> = LazyLock::new(|| {
    let rotated = testing::token(Algorithm::Es256, &testing::claims());
    [good_token(), expired_token(), unknown_token("new"), rotated]
});

/// A worker with its open streams and their tokens.
struct Member {
    worker: Worker,
    streams: Vec<(ContextId, usize)>,
}

/// The workers of a proxy, and the key server.
struct Pod {
    seed: u64,
    proxy: Proxy,
    members: Vec<RefCell<Member>>,
    generator: RefCell<Generator>,
    is_rotated: Cell<bool>,
    /// The calls of workers that ended, which get no answer.
    orphans: RefCell<BTreeSet<u32>>,
    /// The times at which calls were seen first.
    sent: RefCell<BTreeMap<u32, Duration>>,
    admitted: [Cell<usize>; 4],
}

fn document() -> Value {
    fetching(json!({"unknownKidInterval": "10s"}))
}

fn member(proxy: &Proxy) -> Member {
    Member { worker: proxy.worker(&document().to_string()).unwrap(), streams: Vec::new() }
}

impl Pod {
    fn new(seed: u64) -> Rc<Self> {
        let proxy = Proxy::new();
        drop(start(&proxy, &document()));
        Rc::new(Self {
            seed,
            members: (0..WORKERS).map(|_| RefCell::new(member(&proxy))).collect(),
            proxy,
            generator: RefCell::new(Generator::new(seed)),
            is_rotated: Cell::default(),
            orphans: RefCell::default(),
            sent: RefCell::default(),
            admitted: [const { Cell::new(0) }; 4],
        })
    }

    fn draw(&self, below: usize) -> usize {
        let bits = self.generator.borrow_mut().bits();
        usize::try_from(bits % below as u64).unwrap()
    }

    /// Runs an event of any worker that is not running.
    fn step(&self) {
        let Ok(mut member) = self.members[self.draw(WORKERS)].try_borrow_mut() else { return };
        let member = &mut *member;
        match self.draw(12) {
            0..=3 => {
                self.proxy.pass(TICK / 2);
                member.worker.tick();
            }
            4..=7 => {
                let token = self.draw(TOKENS.len());
                let context = send(&mut member.worker, &TOKENS[token]);
                member.streams.push((context, token));
            }
            8 if !member.streams.is_empty() => {
                let (context, token) = member.streams.swap_remove(self.draw(member.streams.len()));
                let stream = member.worker.leave(context);
                self.check(&fate(&stream), token);
            }
            9 if self.draw(10) == 0 => self.restart(member),
            _ => self.answer(member),
        }
        self.assert_one_fetch();
    }

    /// Answers a call of a worker.
    fn answer(&self, member: &mut Member) {
        let Some(call) = member.worker.calls().first().copied() else { return };
        let both = json!({"keys": [
            testing::key(Algorithm::EdDsa)["jwk"],
            testing::key(Algorithm::Es256)["jwk"],
        ]});
        let body = if self.is_rotated.get() { both.to_string() } else { keys() };
        match self.draw(8) {
            0 => member.worker.answer(call, &[], b""),
            1 => member.worker.answer(call, &[(":status", "500")], b""),
            2 => member.worker.answer(call, &[(":status", "200")], b"<html>"),
            3 if !self.is_rotated.get() => {
                member.worker.answer(call, &[(":status", "304")], b"");
            }
            _ => member.worker.answer(call, &[(":status", "200")], body.as_bytes()),
        }
    }

    /// Replaces a worker, as after a new configuration or a trap.
    fn restart(&self, member: &mut Member) {
        self.orphans.borrow_mut().extend(member.worker.calls());
        member.streams.clear();
        member.worker = self.proxy.worker(&document().to_string()).unwrap();
    }

    /// Asserts that at most one worker fetches.
    fn assert_one_fetch(&self) {
        let orphans = self.orphans.borrow();
        let calls = self.proxy.calls().into_iter().filter(|(call, _)| !orphans.contains(call));
        assert!(calls.count() <= 1, "seed {}", self.seed);
    }

    /// Asserts that the outcome of a request is one that its token may have.
    fn check(&self, fate: &str, token: usize) {
        assert!(fate == "waits" || FATES[token].contains(&fate), "seed {}: {fate}", self.seed);
        assert!(token != ROTATED || fate != GOOD || self.is_rotated.get(), "seed {}", self.seed);
    }

    /// Answers calls before they time out.
    fn answer_late_calls(&self) {
        let now = self.proxy.now();
        for member in &self.members {
            let worker = &mut member.borrow_mut().worker;
            for call in worker.calls() {
                let since = *self.sent.borrow_mut().entry(call).or_insert(now);
                if now.saturating_sub(since) >= MAX_CALL {
                    worker.answer(call, &[], b"");
                }
            }
        }
    }

    /// Checks all streams while no event runs.
    fn check_all(&self) {
        let mut waiting = 0;
        for member in &self.members {
            let member = member.borrow();
            for (context, token) in &member.streams {
                let stream = member.worker.stream(*context);
                let fate = fate(&stream);
                self.check(&fate, *token);
                assert!(stream.resumptions[0] <= 1);
                waiting += u64::from(fate == "waits");
            }
        }
        let held = self.proxy.metric("weir_jwt_auth_held_requests");
        assert_eq!(held, waiting, "seed {}", self.seed);
    }

    /// Lets the server recover, and asserts that every request is decided and every worker has the
    /// keys.
    fn finish(&self) {
        for _ in 0..20 {
            self.proxy.pass(SECOND);
            for member in &self.members {
                let member = &mut *member.borrow_mut();
                member.worker.tick();
                super::serve(&self.proxy, &mut member.worker);
            }
        }
        for member in &self.members {
            let member = &mut *member.borrow_mut();
            for (context, token) in std::mem::take(&mut member.streams) {
                let fate = fate(&member.worker.end(context));
                assert_ne!(fate, "waits");
                self.check(&fate, token);
                self.admitted[token].set(self.admitted[token].get() + usize::from(fate == GOOD));
            }
            assert_eq!(super::fate_of(&mut member.worker, &TOKENS[0]), GOOD);
        }
        assert_eq!(self.proxy.metric("weir_jwt_auth_held_requests"), 0);
    }
}

/// Runs a schedule. Returns the number of admitted requests of each token.
fn run(seed: u64) -> [usize; 4] {
    let pod = Pod::new(seed);
    let started = pod.proxy.now();
    let interrupting = Rc::downgrade(&pod);
    pod.proxy.interrupt(move |_| {
        let pod = interrupting.upgrade();
        if let Some(pod) = pod.filter(|pod| pod.draw(4) == 0) {
            pod.step();
        }
    });
    for step in 0..STEPS {
        pod.is_rotated.set(step >= STEPS / 2);
        pod.proxy.pass(TICK * u32::try_from(pod.draw(12)).unwrap());
        pod.step();
        pod.answer_late_calls();
        pod.check_all();
    }
    pod.proxy.stop_interrupts();
    pod.finish();
    let seconds = (pod.proxy.now() - started).as_secs();
    for member in &pod.members {
        *member.borrow_mut() = self::member(&pod.proxy);
    }
    let refetches = pod.proxy.metric("weir_jwt_auth_jwks_refetch_unknown_kid_total");
    assert!(refetches <= 1 + seconds / 10, "{refetches} in {seconds} s");
    assert_eq!(pod.proxy.log(4), [""; 0]);
    pod.admitted.each_ref().map(Cell::get)
}

#[test]
fn workers_fetch_one_at_a_time_and_admit_only_verified_requests() {
    let mut admitted = [0; 4];
    for seed in 0..SCHEDULES {
        let counts = run(seed as u64);
        for (sum, count) in admitted.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    assert!(admitted[0] > 3 * SCHEDULES && admitted[ROTATED] > SCHEDULES / 3, "{admitted:?}");
}

#[test]
fn workers_that_start_at_once_share_one_lease() {
    // The other worker starts and fetches before each host call of the first one's start.
    let starts = |proxy: &Proxy| start(proxy, &document());
    let proxy = Proxy::new();
    drop(starts(&proxy));
    for index in 0..proxy.trace().len() {
        let proxy = Rc::new(Proxy::new());
        let other = Rc::new(RefCell::new(None));
        let (shared, started) = (Rc::downgrade(&proxy), Rc::downgrade(&other));
        let calls = Cell::new(0);
        proxy.interrupt(move |_| {
            let (Some(proxy), Some(started)) = (shared.upgrade(), started.upgrade()) else {
                return;
            };
            if calls.replace(calls.get() + 1) == index {
                let mut worker = starts(&proxy);
                worker.advance(SECOND / 10);
                started.replace(Some(worker));
            }
        });
        let mut first = starts(&proxy);
        proxy.stop_interrupts();
        first.advance(SECOND / 10);
        assert_eq!(proxy.calls().len(), 1, "{index}");
    }
}
