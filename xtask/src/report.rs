//! What is told to the person at the terminal: progress on stderr, answers on stdout.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Result;

/// Tells what is going on, one line.
pub(crate) fn progress(line: &str) {
    eprintln!("{line}");
}

/// Prints an answer that another program may read.
pub(crate) fn print(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// Prints a path that another program may read.
pub(crate) fn print_path(path: &Path) -> Result<()> {
    print(&path.display().to_string())
}
