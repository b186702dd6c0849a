//! The proxy of a test.

use std::time::Duration;

use super::{
    state::{self, HostCall, HttpCall, with},
    worker::Worker,
};
use crate::{host_error::HostError, logger, plugin::Plugin};

/// A proxy, with the state that its workers share.
#[derive(Debug)]
pub struct Proxy(());

impl Proxy {
    /// Creates a proxy, and discards the previous one of this thread.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it replaces the previous proxy")]
    pub fn new() -> Self {
        logger::install();
        state::reset();
        Self(())
    }

    /// Starts a worker with a plugin and its configuration document.
    ///
    /// # Errors
    ///
    /// Returns the log line that refuses the document.
    pub fn worker<P: Plugin>(&self, document: &str) -> Result<Worker<P>, String> {
        Worker::start(document)
    }

    /// Moves the clocks forward, without ticks.
    pub fn pass(&self, time: Duration) {
        with(|state| {
            state.wall = state.wall.saturating_add(time);
            state.monotonic = state.monotonic.saturating_add(time);
        });
    }

    /// Returns the wall clock as the time since 1970.
    #[must_use]
    pub fn now(&self) -> Duration {
        with(|state| state.wall)
    }

    /// Sets the wall clock to a time since 1970.
    pub fn set_now(&self, time: Duration) {
        with(|state| state.wall = time);
    }

    /// Adds a cluster; calls to other clusters fail.
    pub fn add_cluster(&self, name: &str) {
        with(|state| state.clusters.insert(name.to_owned()));
    }

    /// Removes a cluster.
    pub fn remove_cluster(&self, name: &str) {
        with(|state| state.clusters.remove(name));
    }

    /// Sets an environment variable of the virtual machines.
    pub fn set_variable(&self, name: &str, value: &str) {
        with(|state| state.variables.insert(name.to_owned(), value.to_owned()));
    }

    /// Sets a property of the proxy, by its path with dots.
    pub fn set_property(&self, path: &str, value: &[u8]) {
        with(|state| state.properties.insert(path.to_owned(), value.to_vec()));
    }

    /// Adds a foreign function; `None` is a malformed argument.
    pub fn set_function(&self, name: &'static str, function: fn(&[u8]) -> Option<Vec<u8>>) {
        with(|state| state.functions.insert(name, function));
    }

    /// Hides log lines below a level, from 0 (trace) to 4 (error).
    pub fn set_log_level(&self, level: u32) {
        with(|state| state.log_level = level);
    }

    /// Returns the value of a counter or a gauge; 0 if it is not defined.
    #[must_use]
    pub fn metric(&self, name: &str) -> u64 {
        with(|state| state.metrics.iter().find(|metric| metric.name == name).map_or(0, |m| m.value))
    }

    /// Makes changes of a metric have no effect, as if `stats_matcher` rejected it.
    pub fn reject_metric(&self, name: &str) {
        with(|state| state.rejected_metrics.insert(name.to_owned()));
    }

    /// Returns the values of a histogram.
    #[must_use]
    pub fn recorded(&self, name: &str) -> Vec<u64> {
        let find = |metric: &&state::Metric| metric.name == name;
        with(|state| state.metrics.iter().find(find).map(|metric| metric.recorded.clone()))
            .unwrap_or_default()
    }

    /// Returns the names of all metrics that are not 0, with their values.
    #[must_use]
    pub fn metrics(&self) -> Vec<(String, u64)> {
        let metric = |metric: &state::Metric| (metric.name.clone(), metric.value);
        with(|state| state.metrics.iter().filter(|metric| metric.value != 0).map(metric).collect())
    }

    /// Returns the names of all histograms with their values, except those without values.
    #[must_use]
    pub fn histograms(&self) -> Vec<(String, Vec<u64>)> {
        let metrics = |metrics: &[state::Metric]| {
            let recorded = metrics.iter().filter(|metric| !metric.recorded.is_empty());
            recorded.map(|metric| (metric.name.clone(), metric.recorded.clone())).collect()
        };
        with(|state| metrics(&state.metrics))
    }

    /// Returns the log lines of at least a level, from 0 (trace) to 5 (critical).
    #[must_use]
    pub fn log(&self, level: u32) -> Vec<String> {
        let lines = |log: &[(u32, String)]| {
            let lines = log.iter().filter(|(found, _)| *found >= level);
            lines.map(|(_, line)| line.clone()).collect()
        };
        with(|state| lines(&state.log))
    }

    /// Returns the calls that wait for a response, with their numbers.
    #[must_use]
    pub fn calls(&self) -> Vec<(u32, HttpCall)> {
        with(|state| state.calls.iter().map(|(id, call)| (*id, call.clone())).collect())
    }

    /// Returns a shared value.
    #[must_use]
    pub fn shared(&self, key: &str) -> Option<Vec<u8>> {
        with(|state| state.shared.get(key).map(|(value, _)| value.clone()))
    }

    /// Writes a shared value, as another plugin could.
    pub fn set_shared(&self, key: &str, value: &[u8]) {
        with(|state| {
            let version = state.shared.get(key).map_or(1, |(_, version)| version + 1);
            state.shared.insert(key.to_owned(), (value.to_vec(), version));
        });
    }

    /// Returns the keys of all shared values.
    #[must_use]
    pub fn shared_keys(&self) -> Vec<String> {
        with(|state| state.shared.keys().cloned().collect())
    }

    /// Appends a message to a shared queue, as another plugin could.
    pub fn enqueue(&self, name: &str, message: &[u8]) {
        with(|state| {
            let queue = state.queues.iter_mut().find(|(found, _)| found == name);
            queue.expect("no such queue").1.push_back(message.to_vec());
        });
    }

    /// Returns the host calls since the last [`Proxy::clear_trace`].
    #[must_use]
    pub fn trace(&self) -> Vec<HostCall> {
        with(|state| state.trace.clone())
    }

    /// Discards the recorded host calls.
    pub fn clear_trace(&self) {
        with(|state| state.trace.clear());
    }

    /// Makes the host call at this index of the trace fail.
    pub fn fail(&self, index: usize, error: HostError) {
        with(|state| state.failures.insert(index, error));
    }

    /// Calls `interrupt` before each host call, for example to run another worker.
    ///
    /// Host calls of an interrupt are not interrupted.
    pub fn interrupt(&self, interrupt: impl FnMut(&HostCall) + 'static) {
        with(|state| state.interrupt = Some(Box::new(interrupt)));
    }

    /// Ends the interrupts.
    pub fn stop_interrupts(&self) {
        let interrupt = with(|state| state.interrupt.take());
        drop(interrupt);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop_interrupts();
    }
}
