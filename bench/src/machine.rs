//! Machine and versions of a run.

use std::{ffi::OsStr, fs, process::Command, thread};

use ::tests::repository;
use anyhow::{Context, Result, ensure};

use crate::{
    proxy,
    results::{Machine, Versions},
};

/// Returns the machine's description.
///
/// # Errors
///
/// Fails if `/proc` cannot be read.
pub(crate) fn machine() -> Result<Machine> {
    let cpus = fs::read_to_string("/proc/cpuinfo").context("cannot read /proc/cpuinfo")?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").context("no kernel release")?;
    Ok(Machine {
        cpu: model(&cpus).unwrap_or("unknown").to_owned(),
        cores: thread::available_parallelism()?.get(),
        kernel: kernel.trim().to_owned(),
    })
}

/// Returns the versions of Envoy, the compiler and the sources.
///
/// # Errors
///
/// Fails if Envoy or the compiler does not print its version.
pub(crate) fn versions() -> Result<Versions> {
    let envoy = output(&proxy::envoy()?, &["--version"])?;
    Ok(Versions {
        envoy: release(&envoy).with_context(|| format!("no version in {envoy:?}"))?.to_owned(),
        rustc: output(OsStr::new("rustc"), &["--version"])?,
        commit: output(OsStr::new("git"), &["describe", "--always", "--dirty", "--tags"]).ok(),
    })
}

/// Returns the trimmed output of a command.
fn output(program: &OsStr, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(repository::root())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(output.status.success(), "{} failed: {}", program.display(), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Returns the first model name in `/proc/cpuinfo`.
fn model(cpus: &str) -> Option<&str> {
    let line = cpus.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, model)| model.trim())
}

/// Returns the release in `<path>  version: <commit>/<release>/…`.
fn release(version: &str) -> Option<&str> {
    version.split_once("version:")?.1.split('/').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_model_and_the_release() {
        let cpus = "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nmodel name\t: Other\n";
        assert_eq!(model(cpus), Some("Some CPU @ 2.0GHz"));
        assert_eq!(model("processor\t: 0\n"), None);
        let version = "/opt/envoy  version: 0a1b/1.40.0/Clean/RELEASE/BoringSSL";
        assert_eq!(release(version), Some("1.40.0"));
    }
}
