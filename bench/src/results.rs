//! Results of a run, as written to JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Results of one run.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Results {
    /// Machine of the run.
    pub(crate) machine: Machine,
    /// Versions of the measured software.
    pub(crate) versions: Versions,
    /// Load of each measurement.
    pub(crate) load: Load,
    /// Size of each measured module, in bytes.
    pub(crate) modules: BTreeMap<String, u64>,
    /// Rows in the order of the table, baselines first.
    pub(crate) rows: Vec<Row>,
    /// Goals whose rows were measured.
    pub(crate) goals: Vec<Goal>,
}

impl Results {
    /// Returns the row with this name; `None` if it was not measured.
    pub(crate) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }
}

/// Hardware and kernel.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Machine {
    /// Model name of the CPU.
    pub(crate) cpu: String,
    /// Number of cores available to the run.
    pub(crate) cores: usize,
    /// Release of the Linux kernel.
    pub(crate) kernel: String,
}

/// Versions of the measured software.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Versions {
    /// Version that Envoy prints.
    pub(crate) envoy: String,
    /// Version that the compiler prints.
    pub(crate) rustc: String,
    /// `git describe` of the sources; `None` outside a repository.
    pub(crate) commit: Option<String>,
}

/// Load of each measurement.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Load {
    /// Number of measurements of each row.
    pub(crate) rounds: usize,
    /// Length of a measurement, in milliseconds.
    pub(crate) millis: u64,
    /// Number of starts of each Envoy whose start-up time and memory are measured.
    pub(crate) starts: usize,
    /// Number of keep-alive connections.
    pub(crate) connections: usize,
    /// Requests per second while latencies are measured.
    pub(crate) rate: u32,
}

/// One row of the table.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Row {
    /// Name of the row.
    pub(crate) name: String,
    /// CPU time per request.
    pub(crate) cpu: Cpu,
    /// Latency at a fixed rate; `None` if it is not measured for this row.
    pub(crate) latency: Option<Latency>,
    /// Cost of running Envoy; `None` if it is not measured for this row.
    pub(crate) footprint: Option<Footprint>,
    /// Total size of the row's modules, in bytes; 0 for native filters.
    pub(crate) module_bytes: u64,
}

/// CPU time of Envoy per request at full load, in microseconds.
///
/// Differences are medians of the differences within a round; `None` if the other row is missing.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Cpu {
    /// Median over the rounds.
    pub(crate) micros: f64,
    /// Difference from the row without filters that gets the same requests.
    pub(crate) above_no_filter: Option<f64>,
    /// Difference from a module that only passes requests on.
    pub(crate) above_empty_filter: Option<f64>,
    /// Difference from the same row with older modules.
    pub(crate) above_before: Option<f64>,
    /// Median distance from the median.
    pub(crate) spread: f64,
}

/// Latency at a fixed rate, from the time when a request is due: medians over the rounds, in
/// microseconds.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Latency {
    /// 50th percentile.
    pub(crate) p50_micros: f64,
    /// 99th percentile.
    pub(crate) p99_micros: f64,
}

/// Start-up time and memory of Envoy: medians of several starts.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Footprint {
    /// Time from the start of the process to the first response, with one worker, in milliseconds.
    pub(crate) start_millis: f64,
    /// Resident memory with one worker after some load, in KiB.
    pub(crate) resident_kib: f64,
    /// Resident memory that each further worker adds, in KiB.
    pub(crate) per_worker_kib: f64,
}

/// A figure with an upper limit.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Goal {
    /// Description of the figure, with its unit.
    pub(crate) name: String,
    /// Measured figure.
    pub(crate) value: f64,
    /// Highest figure that meets the goal.
    pub(crate) limit: f64,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns results with a baseline and a filter.
    pub(crate) fn results() -> Results {
        let text = include_str!("../tests/results.json");
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn json_is_read_as_it_was_written() {
        let written = serde_json::to_string(&results()).unwrap();
        let read: Results = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        assert_eq!(read.row("telemetry {}").unwrap().module_bytes, 1_048_576);
        assert!(read.row("absent").is_none());
    }
}
