//! Compiling a filter with cargo.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::Message;

use crate::command;
use crate::workspace::{Filter, Workspace};

/// Compiler target of Envoy's V8.
pub(crate) const TARGET: &str = "wasm32-wasip1";

/// Compiles one filter and returns the path of cargo's module.
///
/// Each filter is built by a separate cargo call: together they would share the features of their
/// dependencies, and a filter's bytes would depend on the others.
pub(crate) fn module(workspace: &Workspace, filter: &Filter) -> Result<PathBuf> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--release", "--target", TARGET, "--message-format"])
        .args(["json-render-diagnostics", "--package", filter.name()])
        .current_dir(workspace.root())
        .env("CARGO_ENCODED_RUSTFLAGS", flags(workspace)?)
        .stdout(Stdio::piped());
    let child = cargo.spawn().map_err(|error| command::missing(&cargo, &error))?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("does not compile for {TARGET}");
    }
    artifact(&output.stdout, filter).context("cargo made no .wasm of it: is crate-type cdylib?")
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

/// Returns compiler flags that replace this machine's folders in panic messages.
///
/// Without them the bytes and the image digest depend on the folder. The last matching flag wins, so
/// an outer folder comes before folders inside it.
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

/// Returns rustup's folder of the standard library's source, which may not exist.
fn standard_library() -> Result<PathBuf> {
    let sysroot = command::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let sysroot = String::from_utf8(sysroot)?;
    Ok(Path::new(sysroot.trim_end()).join("lib/rustlib/src/rust"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_names_the_folder_and_what_stands_for_it() {
        let flag = remap(Path::new("/home/me/weir"), "/weir");
        assert_eq!(flag, "--remap-path-prefix=/home/me/weir=/weir");
    }
}
