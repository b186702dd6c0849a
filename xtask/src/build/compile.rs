//! Compiles filters with cargo.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::Message;

use crate::command;
use crate::workspace::{Filter, Workspace};

/// The compilation target of filters.
pub(crate) const TARGET: &str = "wasm32-wasip1";

/// Compiles a filter. Returns the path of the module.
///
/// Each filter has its own cargo call: in a common one, cargo would unify the features of their
/// dependencies, and a module would depend on the filters that are built with it.
pub(crate) fn module(workspace: &Workspace, filter: &Filter) -> Result<PathBuf> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--release", "--target", TARGET, "--message-format"])
        .args(["json-render-diagnostics", "--package", filter.name()])
        .current_dir(workspace.root())
        .env("CARGO_ENCODED_RUSTFLAGS", flags(workspace)?)
        .stdout(Stdio::piped());
    let child = cargo.spawn().map_err(|error| command::spawn_error(&cargo, &error))?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("does not compile for {TARGET}");
    }
    artifact(&output.stdout, filter)
        .context("cargo built no .wasm file: set crate-type = [\"cdylib\"] in Cargo.toml")
}

fn artifact(messages: &[u8], filter: &Filter) -> Option<PathBuf> {
    let artifacts = Message::parse_stream(messages).filter_map(|message| match message {
        Ok(Message::CompilerArtifact(artifact)) => Some(artifact),
        _ => None,
    });
    artifacts
        .filter(|artifact| artifact.package_id == filter.package().id)
        .flat_map(|artifact| artifact.filenames)
        .find(|file| file.extension() == Some("wasm"))
        .map(Into::into)
}

/// Returns compiler flags that replace the folders of this machine in panic messages.
///
/// Without them, module and image digest would depend on the folder of the repository. The last flag
/// that matches a path applies, so outer folders come first.
fn flags(workspace: &Workspace) -> Result<OsString> {
    let mut flags = vec![remap(workspace.root(), "/weir"), remap(workspace.target(), "/target")];
    flags.extend(workspace.registry_sources().iter().map(|folder| remap(folder, "/crates")));
    flags.push(remap(&standard_library()?, "/rust"));
    Ok(flags.join(&OsString::from("\x1f")))
}

fn remap(folder: &Path, name: &str) -> OsString {
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(folder);
    flag.push("=");
    flag.push(name);
    flag
}

/// Returns the folder of the standard library's source. It does not exist on every machine.
fn standard_library() -> Result<PathBuf> {
    let sysroot = command::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let sysroot = String::from_utf8(sysroot)?;
    Ok(Path::new(sysroot.trim_end()).join("lib/rustlib/src/rust"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_has_the_folder_and_its_replacement() {
        let flag = remap(Path::new("/home/me/weir"), "/weir");
        assert_eq!(flag, "--remap-path-prefix=/home/me/weir=/weir");
    }
}
