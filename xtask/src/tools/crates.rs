//! Tools that cargo builds.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{command, report};

/// Builds a program of a crate into a folder.
///
/// Uses the lock file of the crate, unless the registry lacks a version in it, for example because it
/// was yanked or a mirror is behind.
pub(super) fn install(to: &Path, package: &str, version: &str, program: &str) -> Result<()> {
    command::require("cc")?;
    let Err(error) = command::output(cargo(to, package, version, program).arg("--locked")) else {
        return clean(to);
    };
    if !format!("{error:#}").contains("failed to select a version") {
        return Err(error);
    }
    report::progress(&format!(
        "{program}: the registry lacks a locked version, building without the lock file"
    ));
    command::output(&mut cargo(to, package, version, program))?;
    clean(to)
}

fn cargo(to: &Path, package: &str, version: &str, program: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["install", "--quiet", "--bin", program, "--version", version, "--root"])
        .args([to.as_os_str(), package.as_ref()])
        .env("CARGO_TARGET_DIR", to.join("build"))
        // These programs run for seconds, so full optimisation would cost more time than it saves.
        .envs([("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"), ("CARGO_PROFILE_RELEASE_LTO", "off")])
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

fn clean(to: &Path) -> Result<()> {
    Ok(std::fs::remove_dir_all(to.join("build"))?)
}
