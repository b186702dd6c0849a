//! Generated interleavings in which time passes while a worker reads and writes shared values.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
    time::Duration,
};

use filter_core::Generator;
use filter_host::memory::Proxy;
use serde_json::{Value, json};

use super::{Injector, always, count, ms, start, with};

const SCHEDULES: u64 = 200;
const STEPS: usize = 60;

/// Workers whose requests end at once.
struct Race {
    proxy: Proxy,
    workers: Vec<RefCell<Injector>>,
    generator: RefCell<Generator>,
    begun: Duration,
    faults: Cell<u64>,
    /// The longest time that passes at once, in milliseconds.
    max_pass: u64,
}

impl Race {
    /// Runs a schedule, in which up to three events happen between two host calls.
    fn run(seed: u64, document: &Value, max_pass: u64, mut check: impl FnMut(&Self)) {
        let proxy = Proxy::new();
        let race = Rc::new(Self {
            workers: (0..3).map(|_| RefCell::new(start(&proxy, document))).collect(),
            begun: proxy.now(),
            proxy,
            generator: RefCell::new(Generator::new(seed)),
            faults: Cell::new(0),
            max_pass,
        });
        let interrupting = Rc::downgrade(&race);
        race.proxy.interrupt(move |_| {
            let Some(interrupting) = interrupting.upgrade() else { return };
            if interrupting.draw(3) == 0 {
                (0..=interrupting.draw(3)).for_each(|_| interrupting.step());
            }
        });
        for _ in 0..STEPS {
            race.step();
            check(&race);
        }
        race.proxy.stop_interrupts();
    }

    fn draw(&self, below: u64) -> u64 {
        self.generator.borrow_mut().bits().checked_rem(below).unwrap()
    }

    fn step(&self) {
        if self.draw(3) == 0 {
            self.proxy.pass(ms(self.draw(self.max_pass)));
            return;
        }
        let index = usize::try_from(self.draw(self.workers.len() as u64)).unwrap();
        let Ok(mut worker) = self.workers[index].try_borrow_mut() else { return };
        let stream = worker.request(&[]);
        let is_faulty = worker.end(stream).reply.is_some();
        count(&self.faults, is_faulty);
    }
}

#[test]
fn workers_never_exceed_the_budget_while_time_passes() {
    let abort = always(json!({"abort": {"httpStatus": 503}}));
    let document = with(abort, "maxFaultsPerSecond", json!(20));
    let mut used = 0;
    for seed in 0..SCHEDULES {
        let mut share = 0.0;
        Race::run(seed, &document, 40, |race| {
            let elapsed = race.proxy.now().saturating_sub(race.begun).as_secs_f64();
            share = race.faults.get() as f64 / (20.0 * (1.0 + elapsed));
            assert!(share <= 1.0, "seed {seed}: {} in {elapsed} s", race.faults.get());
        });
        used += usize::from(share > 0.8);
    }
    assert!(used > 100, "the budget was used up in {used} schedules");
}

#[test]
fn workers_log_each_transition_once_while_time_passes() {
    let entry = |second: u64| {
        let value = second.to_string();
        json!({"name": format!("from{second}"), "match": [{"headers": {"x-a": {"exact": value}}}],
            "schedule": {"startsAt": format!("2026-01-01T00:00:{second:02}Z")},
            "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 503}}})
    };
    let mut document = always(json!({"abort": {"httpStatus": 503}}));
    let all = document["http"][0].take();
    document["http"] = (1..20).map(entry).chain([all]).collect();
    let mut logged = 0;
    for seed in 0..SCHEDULES {
        Race::run(seed, &document, 1_500, |race| {
            let lines = race.proxy.log(2);
            let lines: Vec<_> = lines.iter().filter(|line| line.contains("schedule")).collect();
            let unique: BTreeSet<_> = lines.iter().collect();
            assert_eq!(unique.len(), lines.len(), "seed {seed}: {lines:?}");
            assert!(lines.iter().all(|line| line.ends_with("begins")), "seed {seed}: {lines:?}");
            logged = lines.len().max(logged);
        });
    }
    assert!(logged > 10, "{logged} transitions");
}
