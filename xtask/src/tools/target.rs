//! Targets of the Rust toolchain.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::command;

/// Returns the folder of a target's standard library, if it exists.
///
/// Uses rustc instead of rustup, because a distribution's Rust has targets too.
pub(super) fn locate(target: &str) -> Result<Option<PathBuf>> {
    let mut rustc = Command::new("rustc");
    let printed = command::output(rustc.args(["--print", "target-libdir", "--target", target]))?;
    let folder = PathBuf::from(String::from_utf8(printed)?.trim_end());
    Ok(Some(folder).filter(|folder| folder.is_dir()))
}

/// Adds a target to the toolchain pinned in `rust-toolchain.toml`.
pub(super) fn install(target: &str) -> Result<()> {
    command::output(Command::new("rustup").args(["target", "add", target])).map(drop)
}
