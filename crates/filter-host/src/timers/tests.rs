#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::InvalidConfig;

use super::*;
use crate::{
    HostError, Plugin, Setup, Stream,
    memory::{Proxy, Worker, failures},
    stream::ContextId,
};

/// A plugin with timers of these periods in milliseconds, from its document.
struct Clocks(Vec<(Timer, Cell<u32>)>);

struct Nothing;

impl Stream for Nothing {}

impl Plugin for Clocks {
    type Stream = Nothing;

    fn configure(document: &[u8], setup: &Setup) -> std::result::Result<Self, InvalidConfig> {
        let periods: Vec<u64> = serde_json::from_slice(document).unwrap();
        let timers = periods.iter().map(|_| (Timer::new(&setup.timers), Cell::new(0)));
        let timers: Vec<_> = timers.collect();
        for ((timer, _), period) in timers.iter().zip(periods).filter(|(_, period)| *period > 0) {
            let _ = timer.every(Duration::from_millis(period));
        }
        Ok(Self(timers))
    }

    fn open(self: Rc<Self>, _: ContextId) -> Nothing {
        Nothing
    }

    fn on_tick(&self) {
        for (timer, ticks) in self.0.iter().filter(|(timer, _)| timer.is_due()) {
            ticks.set(ticks.get() + 1);
            assert!(timer.is_due());
        }
    }
}

fn start(periods: &str) -> Worker<Clocks> {
    Proxy::new().worker(periods).unwrap()
}

fn ticks(worker: &Worker<Clocks>) -> Vec<u32> {
    worker.plugin().0.iter().map(|(_, ticks)| ticks.get()).collect()
}

#[test]
fn each_timer_ticks_with_its_own_period() {
    for (periods, expected) in [
        ("[0]", vec![0]),
        ("[100]", vec![100]),
        ("[0, 100]", vec![0, 100]),
        ("[100, 100]", vec![100, 100]),
        ("[20, 200, 1000]", vec![500, 50, 10]),
        ("[30, 70]", vec![333, 142]),
    ] {
        let mut worker = start(periods);
        worker.advance(Duration::from_secs(10));
        for (ticks, expected) in ticks(&worker).into_iter().zip(&expected) {
            // A tick within the tolerance of another one happens with it.
            let slack = 1 + expected / 4;
            assert!(ticks.abs_diff(*expected) <= slack, "{periods}: {ticks}, not {expected}");
        }
    }
}

#[test]
fn a_single_timer_reads_no_clock() {
    let proxy = Proxy::new();
    let mut worker: Worker<Clocks> = proxy.worker("[100]").unwrap();
    proxy.clear_trace();
    worker.advance(Duration::from_secs(1));
    assert_eq!(proxy.trace(), []);
}

#[test]
fn the_host_timer_stops_with_the_last_timer() {
    let worker = &mut start("[100, 250]");
    let plugin = worker.plugin();
    worker.run(|| plugin.0[0].0.stop().unwrap());
    worker.advance(Duration::from_secs(1));
    assert_eq!(ticks(worker), [0, 4]);
    worker.run(|| plugin.0[1].0.stop().unwrap());
    assert_eq!(worker.tick_period(), None);
    worker.run(|| plugin.0[0].0.every(Duration::from_millis(100)).unwrap());
    worker.advance(Duration::from_secs(1));
    assert_eq!(ticks(worker), [10, 4]);
}

#[test]
fn restarting_one_timer_does_not_starve_another() {
    let worker = &mut start("[100, 200]");
    let plugin = worker.plugin();
    for _ in 0..100 {
        worker.advance(Duration::from_millis(50));
        worker.run(|| plugin.0[0].0.every(Duration::from_millis(100)).unwrap());
    }
    let [restarted, other] = ticks(worker)[..] else { panic!() };
    assert_eq!(restarted, 0, "it was always restarted before its tick");
    assert!(other.abs_diff(25) <= 2, "{other}");
}

#[test]
fn a_refused_start_leaves_the_timer_stopped() {
    let proxy = Proxy::new();
    proxy.fail(0, HostError::InternalFailure);
    let mut worker: Worker<Clocks> = proxy.worker("[100, 200]").unwrap();
    worker.advance(Duration::from_secs(1));
    assert_eq!(ticks(&worker), [0, 5]);
}

#[test]
fn a_refused_restart_keeps_the_period() {
    for (periods, expected) in [("[100]", vec![10]), ("[100, 200]", vec![10, 5])] {
        let proxy = Proxy::new();
        let mut worker: Worker<Clocks> = proxy.worker(periods).unwrap();
        proxy.fail(proxy.trace().len(), HostError::InternalFailure);
        let plugin = worker.plugin();
        assert!(worker.run(|| plugin.0[0].0.every(Duration::from_millis(10))).is_err());
        worker.advance(Duration::from_secs(1));
        assert_eq!(ticks(&worker), expected, "{periods}");
    }
}

#[test]
fn a_timer_survives_each_refused_change_of_the_host_timer() {
    let table = failures(|proxy| {
        let mut worker: Worker<Clocks> = proxy.worker("[0, 20, 200]").unwrap();
        worker.advance(Duration::from_secs(2));
        ticks(&worker)
    });
    for failed in table.calls.iter().filter(|failed| failed.call.callback == "tick") {
        let [_, fast, slow] = failed.outcome[..] else { panic!() };
        assert!(fast >= 80 && slow >= 8, "{:?}: {:?}", failed.call, failed.outcome);
    }
}
