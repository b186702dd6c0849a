//! Binaryen's part: the same module, smaller.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{command, tools};

/// What to do and, by name, the features that rustc uses for wasm32-wasip1 and Envoy's V8 runs.
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

/// Says in words what this step does, for the note that tells whether it must run again.
pub(crate) fn recipe() -> String {
    format!("binaryen {} {}", tools::BINARYEN, FLAGS.join(" "))
}

/// Optimises for speed, which makes a module smaller too.
pub(crate) fn run(workspace: &Workspace, wasm: &[u8]) -> Result<Vec<u8>> {
    let wasm_opt = tools::ensure(workspace, "wasm-opt")?;
    command::require("node")?;
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("in.wasm"), folder.path().join("out.wasm"));
    fs::write(&input, wasm)?;
    command::output(Command::new(wasm_opt).args(FLAGS).arg(&input).arg("--output").arg(&output))?;
    Ok(fs::read(&output)?)
}
