//! Terminal output: progress on stderr, results on stdout.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Result;

/// Prints a line of progress.
pub(crate) fn progress(line: &str) {
    eprintln!("{line}");
}

/// Prints a result for other programs.
pub(crate) fn print(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// Prints a path for other programs.
pub(crate) fn print_path(path: &Path) -> Result<()> {
    print(&path.display().to_string())
}
