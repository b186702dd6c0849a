//! The OpenTelemetry collector, built by its own builder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::golang;
use crate::command;
use crate::digest::sha256;
use crate::workspace::Workspace;

const BUILDER: &str = "go.opentelemetry.io/collector/cmd/builder";

/// Builds the collector of `tests/collector/builder.yaml`.
///
/// The versions of the components in that file pin all their dependencies.
pub(super) fn build(workspace: &Workspace, to: &Path, builder: &str) -> Result<()> {
    let mut go = golang::go();
    go.args(["run", &format!("{BUILDER}@{builder}"), "--config"]).arg(source(workspace));
    command::output(go.current_dir(to))?;
    let made = to.join("source");
    let bin = to.join("bin");
    fs::create_dir(&bin)?;
    fs::rename(made.join("otelcol"), bin.join("otelcol"))?;
    Ok(fs::remove_dir_all(made)?)
}

/// Returns the folder in the cache, which depends on the list of components.
pub(super) fn folder(workspace: &Workspace, builder: &str) -> Result<String> {
    let path = source(workspace);
    let parts = fs::read(&path).with_context(|| path.display().to_string())?;
    let pins = sha256(&[builder.as_bytes(), &parts].concat());
    Ok(format!("otelcol-{}", pins.get(..12).unwrap_or(&pins)))
}

fn source(workspace: &Workspace) -> PathBuf {
    workspace.root().join("tests/collector/builder.yaml")
}
