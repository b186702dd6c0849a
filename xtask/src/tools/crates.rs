//! Tools that cargo builds.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{command, report};

/// Builds one program of a crate into a folder.
///
/// Uses the crate's lock file, unless the registry lacks one of its versions (yanked, or not yet on a
/// mirror).
pub(super) fn install(to: &Path, package: &str, version: &str, program: &str) -> Result<()> {
    command::require("cc")?;
    let Err(error) = command::output(cargo(to, package, version, program).arg("--locked")) else {
        return clean(to);
    };
    if !format!("{error:#}").contains("failed to select a version") {
        return Err(error);
    }
    report::progress(&format!("{program}: its lock file can't be met, so it is built without"));
    command::output(&mut cargo(to, package, version, program))?;
    clean(to)
}

fn cargo(to: &Path, package: &str, version: &str, program: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["install", "--quiet", "--bin", program, "--version", version, "--root"])
        .args([to.as_os_str(), package.as_ref()])
        .env("CARGO_TARGET_DIR", to.join("build"))
        // These programs run for seconds; full optimization does not pay off.
        .envs([("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"), ("CARGO_PROFILE_RELEASE_LTO", "off")])
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

fn clean(to: &Path) -> Result<()> {
    Ok(std::fs::remove_dir_all(to.join("build"))?)
}
