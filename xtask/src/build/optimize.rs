//! Optimizes modules with Binaryen.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{command, tools};

/// The flags of wasm-opt, with the features that rustc uses for wasm32-wasip1 and V8 supports.
const FLAGS: &[&str] = &[
    "-O3",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--strip-debug",
    "--strip-producers",
];

/// Returns the version and flags of wasm-opt, an input of the stamp file.
pub(crate) fn command_line() -> String {
    format!("binaryen {} {}", tools::BINARYEN, FLAGS.join(" "))
}

/// Optimises a module for speed, which also makes it smaller.
pub(crate) fn run(workspace: &Workspace, wasm: &[u8]) -> Result<Vec<u8>> {
    let wasm_opt = tools::ensure(workspace, "wasm-opt")?;
    command::require("node")?;
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("in.wasm"), folder.path().join("out.wasm"));
    fs::write(&input, wasm)?;
    command::output(Command::new(wasm_opt).args(FLAGS).arg(&input).arg("--output").arg(&output))?;
    Ok(fs::read(&output)?)
}
