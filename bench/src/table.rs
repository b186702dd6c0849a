//! Markdown table of all rows.

use std::fmt::{self, Display, Formatter};

use crate::results::{Results, Row};

/// The table of a run.
pub(crate) struct Table<'a>(pub(crate) &'a Results);

impl Display for Table<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rows = &self.0.rows;
        let compares = rows.iter().any(|row| row.cpu.above_before.is_some());
        let (column, rule) = if compares { (" above before |", "---:|") } else { ("", "") };
        write!(f, "| variant | CPU us/request | above no filter | above empty filter |{column}")?;
        writeln!(f, " spread | p50 us | p99 us | start ms | MiB | MiB/worker | module KiB |")?;
        writeln!(f, "|---|---:|---:|---:|{rule}---:|---:|---:|---:|---:|---:|---:|")?;
        for row in rows {
            let cells: Vec<String> = cells(row, compares).collect();
            writeln!(f, "| {} | {} |", row.name, cells.join(" | "))?;
        }
        for goal in &self.0.goals {
            writeln!(f, "{}: {:.2} (goal: at most {})", goal.name, goal.value, goal.limit)?;
        }
        Ok(())
    }
}

/// Returns the figures of a row; empty if not measured.
fn cells(row: &Row, compares: bool) -> impl Iterator<Item = String> {
    let cpu = &row.cpu;
    let signed = |figure: Option<f64>| figure.map(|figure| format!("{figure:+.1}"));
    let whole = |figure: Option<f64>| figure.map(|figure| format!("{figure:.0}"));
    let (latency, footprint) = (row.latency.as_ref(), row.footprint.as_ref());
    let mut cells = vec![
        Some(format!("{:.1}", cpu.micros)),
        signed(cpu.above_no_filter),
        signed(cpu.above_empty_filter),
    ];
    cells.extend(compares.then(|| signed(cpu.above_before)));
    cells.extend([
        Some(format!("{:.1}", cpu.spread)),
        whole(latency.map(|latency| latency.p50_micros)),
        whole(latency.map(|latency| latency.p99_micros)),
        whole(footprint.map(|footprint| footprint.start_millis)),
        whole(footprint.map(|footprint| footprint.resident_kib / 1024.0)),
        footprint.map(|footprint| format!("{:.1}", footprint.per_worker_kib / 1024.0)),
        (row.module_bytes > 0).then(|| (row.module_bytes >> 10).to_string()),
    ]);
    cells.into_iter().map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;

    #[test]
    fn missing_figures_are_empty() {
        let text = Table(&results()).to_string();
        assert!(
            text.contains("| no filter | 10.0 | +0.0 |  | 0.5 | 100 | 200 | 50 | 50 | 2.5 |  |\n"),
            "{text}"
        );
        assert!(
            text.contains("| telemetry {} | 19.0 | +9.0 | +8.0 | 0.5 |  |  |  |  |  | 1024 |\n"),
            "{text}"
        );
        assert!(!text.contains("above before"), "{text}");
        assert!(text.ends_with("suite: 0.40 (goal: at most 0.5)\n"), "{text}");
    }

    #[test]
    fn older_modules_have_a_column() {
        let mut results = results();
        results.rows[1].cpu.above_before = Some(-0.25);
        let text = Table(&results).to_string();
        assert!(text.contains("| above empty filter | above before | spread |"), "{text}");
        assert!(text.contains("| +8.0 | -0.2 | 0.5 |"), "{text}");
    }
}
