//! The metrics of the exporter.

use filter_host::metrics::{Counter, DurationHistogram, Gauge};

use crate::export::{Exporter, Metric, otlp::Signal};

/// The metrics of the exporter.
pub(super) struct Counters {
    traces: Vec<Option<Counter>>,
    logs: Vec<Option<Counter>>,
    queue_bytes: Gauge,
    pub(super) export_ms: DurationHistogram,
}

impl Counters {
    pub(super) fn define(is_labelled: bool) -> Self {
        let define = |signal| {
            let names = Metric::all().map(|metric| metric.name(signal, is_labelled));
            names.map(|name| name.map(|name| Counter::define(&name))).collect()
        };
        Self {
            traces: define(Signal::Traces),
            logs: define(Signal::Logs),
            queue_bytes: Gauge::define("weir_telemetry_queue_bytes"),
            export_ms: DurationHistogram::define("weir_telemetry_export_ms"),
        }
    }

    fn get(&self, signal: Signal, metric: Metric) -> Option<Counter> {
        let counters = match signal {
            Signal::Traces => &self.traces,
            Signal::Logs => &self.logs,
        };
        counters.get(metric.index()).copied().flatten()
    }

    /// Reports how the statistics of the exporter changed.
    pub(super) fn update(&self, exporter: &mut Exporter) {
        let delta = exporter.take_stats();
        for (signal, metric, count) in delta.counts {
            if let Some(counter) = self.get(signal, metric) {
                counter.add(count);
            }
        }
        if delta.bytes != 0 {
            self.queue_bytes.add(delta.bytes);
        }
    }
}
