#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{
    HostError,
    memory::{Proxy, run_in_plugin},
};

const PERIOD: Duration = Duration::from_millis(200);

fn buffer() -> (Rc<Timers>, MetricBuffer) {
    let timers = Rc::new(Timers::default());
    let buffer = MetricBuffer::new(&timers, PERIOD);
    (timers, buffer)
}

#[test]
fn changes_reach_the_proxy_with_the_next_tick() {
    let proxy = Proxy::new();
    run_in_plugin(|| {
        let (timers, buffer) = buffer();
        let (counter, gauge) = (buffer.counter("c"), buffer.gauge("g"));
        let histogram = Histogram::define("h");
        for _ in 0..3 {
            buffer.add(counter, 2);
            buffer.add(gauge, 1);
            buffer.record(histogram, 7);
        }
        buffer.add(gauge, -1);
        assert_eq!((proxy.metric("c"), proxy.metric("g")), (0, 0));
        timers.tick(|| buffer.flush());
        assert_eq!((proxy.metric("c"), proxy.metric("g")), (6, 2));
        assert_eq!(proxy.recorded("h"), [7, 7, 7]);
    });
}

#[test]
fn a_changed_metric_costs_one_call_for_each_flush() {
    let proxy = Proxy::new();
    run_in_plugin(|| {
        let (timers, buffer) = buffer();
        let counter = buffer.counter("c");
        (0..100).for_each(|_| buffer.add(counter, 1));
        proxy.clear_trace();
        timers.tick(|| buffer.flush());
        assert_eq!(proxy.trace().len(), 1);
        timers.tick(|| buffer.flush());
        let names: Vec<_> = proxy.trace().iter().map(|call| call.name).collect();
        assert_eq!(
            names,
            ["increment_metric", "set_tick_period"],
            "an idle buffer stops its timer"
        );
    });
}

#[test]
fn dropping_the_buffer_flushes_it() {
    let proxy = Proxy::new();
    run_in_plugin(|| {
        let (_timers, buffer) = buffer();
        let counter = buffer.counter("c");
        buffer.add(counter, 1);
        drop(buffer);
        assert_eq!(proxy.metric("c"), 1);
    });
}

#[test]
fn many_values_of_histograms_do_not_wait_for_a_tick() {
    let proxy = Proxy::new();
    run_in_plugin(|| {
        let (_timers, buffer) = buffer();
        let histogram = Histogram::define("h");
        (0..MAX_RECORDED).for_each(|_| buffer.record(histogram, 1));
        assert_eq!(proxy.recorded("h").len(), MAX_RECORDED);
    });
}

#[test]
fn a_refused_timer_is_started_again_by_the_next_change() {
    let proxy = Proxy::new();
    run_in_plugin(|| {
        let (timers, buffer) = buffer();
        let counter = buffer.counter("c");
        proxy.fail(proxy.trace().len(), HostError::InternalFailure);
        buffer.add(counter, 1);
        timers.tick(|| ());
        buffer.add(counter, 1);
        assert!(proxy.trace().iter().filter(|call| call.name == "set_tick_period").count() >= 2);
        timers.tick(|| buffer.flush());
        assert_eq!(proxy.metric("c"), 2);
    });
}

#[test]
fn a_metric_that_the_proxy_refuses_is_ignored() {
    let proxy = Proxy::new();
    run_in_plugin(|| {
        let (timers, buffer) = buffer();
        proxy.fail(proxy.trace().len(), HostError::InternalFailure);
        let counter = buffer.counter("c");
        buffer.add(counter, 1);
        timers.tick(|| buffer.flush());
        assert_eq!(proxy.metric("c"), 0);
    });
}

#[test]
fn a_sum_that_overflows_is_sent_in_parts() {
    let proxy = Proxy::new();
    run_in_plugin(|| {
        let (timers, buffer) = buffer();
        let counter = buffer.counter("c");
        buffer.add(counter, i64::MAX);
        buffer.add(counter, i64::MAX);
        timers.tick(|| buffer.flush());
        assert_eq!(proxy.metric("c"), u64::MAX - 1);
    });
}
