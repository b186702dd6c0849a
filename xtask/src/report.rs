//! Output: progress on stderr, results on stdout.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Result;

/// Prints a line of progress.
pub(crate) fn progress(line: &str) {
    eprintln!("{line}");
}

/// Prints a line of the result, which other programs can read.
pub(crate) fn print(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// Prints a path as the result, which other programs can read.
pub(crate) fn print_path(path: &Path) -> Result<()> {
    print(&path.display().to_string())
}
