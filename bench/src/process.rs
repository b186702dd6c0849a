//! CPU time of a process, as the kernel's scheduler accounts it.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// Returns the CPU time that all threads of a process have used, in nanoseconds.
///
/// # Errors
///
/// Fails if the process has ended.
pub(crate) fn used(process: u32) -> Result<Duration> {
    let tasks = format!("/proc/{process}/task");
    let mut total = Duration::ZERO;
    for task in fs::read_dir(&tasks).with_context(|| format!("no process {process}"))? {
        let file = task?.path().join("schedstat");
        // A thread may end between listing and reading.
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let nanos = text.split_whitespace().next().context("schedstat is empty")?.parse()?;
        total = total.saturating_add(Duration::from_nanos(nanos));
    }
    Ok(total)
}
