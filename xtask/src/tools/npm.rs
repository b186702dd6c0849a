//! Tools from npm.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command;

/// Installs one package without running its scripts.
pub(super) fn install(to: &Path, package: &str, version: &str) -> Result<()> {
    command::require("node")?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
    npm.arg("--prefix").arg(to).arg(format!("{package}@{version}"));
    command::output(&mut npm).map(drop)
}
