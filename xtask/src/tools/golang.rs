//! Tools built by Go.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::list::GoModule;
use crate::command;
use crate::digest::sha256;
use crate::workspace::Workspace;

/// Builds a command at a version.
pub(super) fn install(to: &Path, package: &str, version: &str) -> Result<()> {
    let mut go = go();
    go.arg("install").arg(format!("{package}@{version}")).env("GOBIN", to.join("bin"));
    command::output(&mut go).map(drop)
}

/// Builds the commands of a module in `tests`.
pub(super) fn build(workspace: &Workspace, to: &Path, module: &GoModule) -> Result<()> {
    let bin = to.join("bin");
    fs::create_dir(&bin)?;
    // A single command has the name of its module: its last folder can be a version (`v3` of etcd).
    let out = if module.packages.len() == 1 { bin.join(name(module)) } else { bin };
    let mut go = go();
    go.args(["build", "-mod=readonly", "-ldflags=-s -w", "-tags", module.tags, "-o"]).arg(out);
    command::output(go.args(module.packages).current_dir(source(workspace, module))).map(drop)
}

/// Concatenates the files in a folder of a module, sorted by name.
pub(super) fn join(to: &Path, name: &str, module: &str, version: &str, folder: &str) -> Result<()> {
    let mut go = go();
    // Runs outside any module, so that no go.mod changes.
    go.args(["mod", "download", "-json"]).arg(format!("{module}@{version}")).current_dir(to);
    let report: serde_json::Value = serde_json::from_slice(&command::output(&mut go)?)?;
    let root = report.get("Dir").and_then(serde_json::Value::as_str);
    let root = root.context("the output of `go mod download` has no Dir")?;
    let entries = fs::read_dir(Path::new(root).join(folder))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|end| end == "textproto"));
    files.sort();
    let texts = files.iter().map(fs::read).collect::<std::io::Result<Vec<_>>>()?;
    let bin = to.join("bin");
    fs::create_dir(&bin)?;
    Ok(fs::write(bin.join(name), texts.concat())?)
}

/// Returns the folder in the cache, which depends on `go.mod` and `go.sum`.
pub(super) fn folder(workspace: &Workspace, module: &GoModule) -> Result<String> {
    let source = source(workspace, module);
    let read = |name: &str| {
        let path = source.join(name);
        fs::read(&path).with_context(|| path.display().to_string())
    };
    let pins = sha256(&[read("go.mod")?, read("go.sum")?].concat());
    Ok(format!("{}-{}", name(module), pins.get(..12).unwrap_or(&pins)))
}

fn source(workspace: &Workspace, module: &GoModule) -> PathBuf {
    workspace.root().join("tests").join(module.folder)
}

fn name(module: &GoModule) -> &str {
    module.folder.rsplit_once('/').map_or(module.folder, |(_, name)| name)
}

/// Returns a `go` command without cgo, so that the programs do not depend on C libraries.
pub(super) fn go() -> Command {
    let mut go = Command::new("go");
    go.env("CGO_ENABLED", "0").env_remove("GOFLAGS");
    go
}
