//! The generated section of README.md.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};

use crate::{
    results::{Results, Row},
    variants::typical::TypicalRow,
};

const BEGIN: &str = "<!-- bench -->\n";
const END: &str = "<!-- /bench -->";

/// Returns the README with another section between the markers.
///
/// # Errors
///
/// Fails unless each marker occurs once, in order.
pub(super) fn replace(readme: &str, section: &str) -> Result<String> {
    let (before, rest) = readme.split_once(BEGIN).context("README.md has no <!-- bench -->")?;
    let (_, after) = rest.split_once(END).context("README.md has no <!-- /bench --> after it")?;
    let is_single = !rest.contains(BEGIN) && !before.contains(END) && !after.contains(END);
    ensure!(is_single, "README.md must have one <!-- bench --> and one <!-- /bench -->");
    Ok(format!("{before}{BEGIN}{section}{END}{after}"))
}

/// Returns the chart, the table, the goals, and the circumstances of the run.
pub(super) fn section(results: &Results, rows: &[(&TypicalRow, &Row)]) -> String {
    let mut text = String::from(
        "![CPU per request of each filter above an Envoy without filters](bench/results/chart.svg)\n\n\
         | filters | CPU µs per request | above no filter | p50 µs | p99 µs | start ms | MiB | MiB per further worker | module KiB |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for (typical, row) in rows {
        let _ = writeln!(text, "| {} | {} |", typical.label, cells(row).join(" | "));
    }
    text.push('\n');
    for goal in &results.goals {
        let _ = writeln!(text, "- {}: {:.2}; goal: at most {}", goal.name, goal.value, goal.limit);
    }
    if !results.goals.is_empty() {
        text.push('\n');
    }
    text.push_str(&circumstances(results));
    text
}

/// Returns the figures of a row; `–` for those that do not apply.
fn cells(row: &Row) -> [String; 8] {
    let shown = |figure: Option<String>| figure.unwrap_or_else(|| "–".to_owned());
    let whole = |figure: Option<f64>| shown(figure.map(|figure| format!("{figure:.0}")));
    let (latency, footprint) = (row.latency.as_ref(), row.footprint.as_ref());
    let added = footprint.map(|footprint| format!("{:.1}", footprint.per_worker_kib / 1024.0));
    [
        format!("{:.1}", row.cpu.micros),
        shown(row.cpu.above_no_filter.map(|figure| format!("{figure:.1}"))),
        whole(latency.map(|latency| latency.p50_micros)),
        whole(latency.map(|latency| latency.p99_micros)),
        whole(footprint.map(|footprint| footprint.start_millis)),
        whole(footprint.map(|footprint| footprint.resident_kib / 1024.0)),
        shown(added),
        shown((row.module_bytes > 0).then(|| (row.module_bytes >> 10).to_string())),
    ]
}

fn circumstances(results: &Results) -> String {
    let (machine, versions, load) = (&results.machine, &results.versions, &results.load);
    let commit = versions.commit.as_ref().map(|commit| format!(", commit {commit}"));
    format!(
        "Machine: {} cores of {}, Linux {}.\n\
         Versions: Envoy {}, {}{}.\n\
         Load: medians of {} rounds of {} ms over {} connections; latency at {} requests per second.\n",
        machine.cores,
        machine.cpu,
        machine.kernel,
        versions.envoy,
        versions.rustc,
        commit.unwrap_or_default(),
        load.rounds,
        load.millis,
        load.connections,
        load.rate,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;

    #[test]
    fn only_the_section_is_replaced() {
        let readme = "a\n<!-- bench -->\nold\n<!-- /bench -->\nb\n";
        let new = replace(readme, "new\n").unwrap();
        assert_eq!(new, "a\n<!-- bench -->\nnew\n<!-- /bench -->\nb\n");
        assert_eq!(replace(&new, "new\n").unwrap(), new);
    }

    #[test]
    fn a_readme_without_proper_markers_is_refused() {
        for readme in [
            "a\n",
            "<!-- bench -->\n",
            "<!-- /bench -->\n<!-- bench -->\n",
            "<!-- bench -->\n<!-- bench -->\n<!-- /bench -->\n",
            "<!-- bench -->\n<!-- /bench -->\n<!-- /bench -->\n",
        ] {
            assert!(replace(readme, "new\n").is_err(), "{readme:?}");
        }
    }

    #[test]
    fn the_section_has_rows_goals_and_circumstances() {
        let results = results();
        let rows = super::super::typical_rows(&results);
        let text = section(&results, &rows);
        assert!(
            text.contains("| no filter | 10.0 | 0.0 | 100 | 200 | 50 | 50 | 2.5 | – |\n"),
            "{text}"
        );
        assert!(text.contains("| telemetry | 19.0 | 9.0 | – | – | – | – | – | 1024 |\n"), "{text}");
        assert!(text.contains("\n- suite: 0.40; goal: at most 0.5\n"), "{text}");
        assert!(text.contains("\nMachine: 2 cores of Some CPU, Linux 6.1.0.\n"), "{text}");
        assert!(text.contains("Envoy 1.40.0, rustc 1.95.0, commit 0123abc.\n"), "{text}");
    }
}
