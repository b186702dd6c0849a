//! The README's table and the chart, written from the results of a run.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

use crate::{
    results::{Results, Row},
    variants::typical::{self, TypicalRow},
};

mod chart;
mod readme;

/// Folder with the results of the README, relative to the root.
const FOLDER: &str = "bench/results";

/// Writes the table in README.md, and in `bench/results` the chart and the results themselves.
///
/// # Errors
///
/// Fails, without writing anything, if README.md has no markers or no row of it was measured.
pub(crate) fn write(results: &Results, root: &Path) -> Result<()> {
    let rows = typical_rows(results);
    ensure!(!rows.is_empty(), "the results have no row of README.md");
    let path = root.join("README.md");
    let readme = fs::read_to_string(&path).context("cannot read README.md")?;
    let readme = readme::replace(&readme, &readme::section(results, &rows))?;
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    super::write(&folder.join("latest.json"), results)?;
    fs::write(folder.join("chart.svg"), chart::svg(&rows))?;
    fs::write(path, readme).context("cannot write README.md")
}

/// Returns the measured rows of the README.
fn typical_rows(results: &Results) -> Vec<(&'static TypicalRow, &Row)> {
    let mut rows = Vec::new();
    for typical in &typical::ROWS {
        match results.row(typical.name) {
            Some(row) => rows.push((typical, row)),
            None => eprintln!("README.md has no row `{}`: it was not measured", typical.label),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;

    #[test]
    fn all_files_come_from_the_results() {
        let root = tempfile::tempdir().unwrap();
        let readme = root.path().join("README.md");
        fs::write(&readme, "# Weir\n<!-- bench -->\nold\n<!-- /bench -->\nend\n").unwrap();
        write(&results(), root.path()).unwrap();
        let text = fs::read_to_string(&readme).unwrap();
        assert!(text.contains("| telemetry | 19.0 |") && !text.contains("old"), "{text}");
        let folder = root.path().join(FOLDER);
        assert!(fs::read_to_string(folder.join("chart.svg")).unwrap().starts_with("<svg "));
        let kept = fs::read_to_string(folder.join("latest.json")).unwrap();
        let kept: Results = serde_json::from_str(&kept).unwrap();
        write(&kept, root.path()).unwrap();
        assert_eq!(fs::read_to_string(&readme).unwrap(), text);
    }

    #[test]
    fn nothing_is_written_without_markers() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("README.md"), "# Weir\n").unwrap();
        write(&results(), root.path()).unwrap_err();
        assert!(!root.path().join(FOLDER).exists());
    }
}
