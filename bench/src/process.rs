//! CPU time and memory of a process, as accounted by the kernel.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// Returns the CPU time that all threads of a process have used, in nanoseconds.
///
/// # Errors
///
/// Fails if the process has ended.
pub(crate) fn cpu_time(process: u32) -> Result<Duration> {
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

/// Returns the resident memory of a process, in KiB.
///
/// # Errors
///
/// Fails if the process has ended.
pub(crate) fn resident_kib(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))
        .with_context(|| format!("no process {process}"))?;
    parse_resident(&status).context("the process has no resident memory")
}

/// Returns `VmRSS` of a status file.
fn parse_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_resident_memory() {
        let status = "Name:\tenvoy\nVmHWM:\t  90000 kB\nVmRSS:\t   81234 kB\nThreads:\t5\n";
        assert_eq!(parse_resident(status), Some(81_234));
        assert_eq!(parse_resident("Name:\tenvoy\n"), None);
    }
}
