//! Measured figures of each row, and the results computed from them.

use std::time::Duration;

use crate::{
    results::{Cpu, Footprint, Goal, Latency, Row},
    statistics::{median, median_difference, percentile, ratio, spread},
    variants::EMPTY_FILTER,
};

/// Measured figures of one row.
#[derive(Default)]
pub(crate) struct Series {
    /// Name of the row.
    pub(crate) name: String,
    /// Name of the row without filters that gets the same requests.
    pub(crate) floor: String,
    /// Name of the row with older modules.
    pub(crate) before: String,
    /// Total size of the row's modules, in bytes.
    pub(crate) module_bytes: u64,
    /// CPU microseconds per request, one figure per round.
    pub(crate) cpu: Vec<f64>,
    /// 50th percentile of the latency in microseconds, one figure per round.
    pub(crate) p50: Vec<f64>,
    /// 99th percentile of the latency in microseconds, one figure per round.
    pub(crate) p99: Vec<f64>,
    /// Start-up and memory; `None` if not measured.
    pub(crate) footprint: Option<Footprint>,
}

impl Series {
    /// Adds the latencies of one round.
    pub(crate) fn add_latencies(&mut self, mut latencies: Vec<Duration>) {
        latencies.sort();
        for (percent, figures) in [(50, &mut self.p50), (99, &mut self.p99)] {
            figures
                .extend(percentile(&latencies, percent).map(|latency| latency.as_secs_f64() * 1e6));
        }
    }

    fn latency(&self) -> Option<Latency> {
        let (p50_micros, p99_micros) = (median(self.p50.clone())?, median(self.p99.clone())?);
        Some(Latency { p50_micros, p99_micros })
    }
}

/// Returns the rows with at least one figure.
pub(crate) fn rows(all: &[Series]) -> Vec<Row> {
    all.iter().filter_map(|series| row(series, all)).collect()
}

fn row(series: &Series, all: &[Series]) -> Option<Row> {
    let above = |name: &str| above(series, all, name);
    Some(Row {
        name: series.name.clone(),
        cpu: Cpu {
            micros: median(series.cpu.clone())?,
            above_no_filter: above(&series.floor),
            above_empty_filter: above(EMPTY_FILTER),
            above_before: above(&series.before),
            spread: spread(&series.cpu)?,
        },
        latency: series.latency(),
        footprint: series.footprint,
        module_bytes: series.module_bytes,
    })
}

/// Returns the goals whose rows were measured.
pub(crate) fn goals(all: &[Series]) -> Vec<Goal> {
    let goal = |name: &str, value: Option<f64>, limit| {
        Some(Goal { name: name.to_owned(), value: value?, limit })
    };
    let cost = |name: &str| {
        let series = find(all, name)?;
        above(series, all, &series.floor)
    };
    let share = cost("chain: suite")
        .zip(cost("chain: four modules"))
        .and_then(|(suite, separate)| ratio(suite, separate));
    let added = find(all, "chain: suite with jwt-auth alone")
        .and_then(|suite| above(suite, all, "chain: jwt-auth alone"));
    [
        goal("CPU of the suite / CPU of four modules, both above no filter", share, 0.5),
        goal("µs that the suite with jwt-auth alone adds to jwt-auth", added, 0.3),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the difference in CPU time from another row.
fn above(series: &Series, all: &[Series], other: &str) -> Option<f64> {
    median_difference(&series.cpu, &find(all, other)?.cpu)
}

fn find<'a>(all: &'a [Series], name: &str) -> Option<&'a Series> {
    all.iter().find(|series| series.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, floor: &str, cpu: &[f64]) -> Series {
        Series {
            name: name.to_owned(),
            floor: floor.to_owned(),
            before: format!("{name}, before"),
            cpu: cpu.to_vec(),
            ..Series::default()
        }
    }

    #[test]
    fn rows_are_compared_with_their_floor_and_with_older_modules() {
        let rows = rows(&[
            series("no filter", "no filter", &[10.0, 11.0, 12.0]),
            series("tags", "no filter", &[14.0, 15.0, 16.0]),
            series("tags, before", "no filter", &[15.0, 16.0, 17.0]),
            series("unmeasured", "no filter", &[]),
        ]);
        assert_eq!(rows.len(), 3);
        let cpu = &rows[1].cpu;
        assert_eq!((cpu.micros, cpu.spread), (15.0, 1.0));
        assert_eq!(cpu.above_no_filter, Some(4.0));
        assert_eq!(cpu.above_empty_filter, None);
        assert_eq!(cpu.above_before, Some(-1.0));
    }

    #[test]
    fn goals_are_measured_above_the_floor() {
        let floor = "chain: no filter";
        let mut all = vec![
            series(floor, floor, &[20.0]),
            series("chain: four modules", floor, &[60.0]),
            series("chain: suite", floor, &[36.0]),
        ];
        let values = |all: &[Series]| goals(all).iter().map(|goal| goal.value).collect::<Vec<_>>();
        assert_eq!(values(&all), [0.4]);
        all.push(series("chain: jwt-auth alone", floor, &[38.0]));
        all.push(series("chain: suite with jwt-auth alone", floor, &[38.25]));
        assert_eq!(values(&all), [0.4, 0.25]);
    }

    #[test]
    fn latencies_become_percentiles() {
        let mut one = series("tags", "no filter", &[1.0]);
        one.add_latencies((1..=100).rev().map(Duration::from_micros).collect());
        one.add_latencies(Vec::new());
        let latency = one.latency().unwrap();
        assert_eq!((latency.p50_micros.round(), latency.p99_micros.round()), (50.0, 99.0));
    }
}
