//! Tools that the tasks use, at pinned versions, from package registries.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;
use crate::{command, report};

mod cache;
mod collector;
mod crates;
mod envoy;
mod golang;
mod list;
mod npm;
mod target;
mod wheel;

use list::{Source, TOOLS, Tool};

/// The version of the npm package `binaryen`, which contains wasm-opt.
pub(crate) const BINARYEN: &str = "132.0.0";

/// Returns the list of tools for `--help`.
pub(crate) fn help() -> String {
    let lines = TOOLS.iter().map(|tool| format!("  {:<26} {}", tool.name, tool.purpose));
    format!("Tools:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// Installs the tools with these names (all if `names` is empty), and prints their paths.
pub(crate) fn install(workspace: &Workspace, names: &[String]) -> Result<()> {
    for tool in select(names)? {
        let path = tool.ensure(workspace)?;
        report::progress(&format!("{:<26} {}", tool.name, path.display()));
    }
    Ok(())
}

/// Returns the path of a tool, and installs it if it is missing.
pub(crate) fn ensure(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    find(name)?.ensure(workspace)
}

/// Returns the path of an installed tool.
///
/// # Errors
/// Fails if the tool is not installed, with the command that installs it.
pub(crate) fn path(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let path = find(name)?.locate(workspace)?;
    path.with_context(|| format!("{name} is not installed: run `cargo xtask tools {name}`"))
}

/// Runs a command with the tools on its `PATH` and with their variables.
pub(crate) fn run_with(
    workspace: &Workspace,
    names: &[String],
    words: &[OsString],
) -> Result<ExitCode> {
    let mut search = Vec::new();
    let (program, arguments) = words.split_first().context("a command is missing after `--`")?;
    let mut child = Command::new(program);
    child.args(arguments);
    for tool in select(names)? {
        let path = tool.ensure(workspace)?;
        search.extend(path.parent().filter(|_| tool.is_program()).map(PathBuf::from));
        if let Some(variable) = tool.variable {
            child.env(variable, &path);
        }
    }
    search.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    child.env("PATH", env::join_paths(search)?);
    child.env("WEIR_WASM_DIR", workspace.wasm());
    child.env("WEIR_IMAGES", workspace.images());
    let code = command::status(&mut child)?.code();
    Ok(code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn select(names: &[String]) -> Result<Vec<&'static Tool>> {
    if names.is_empty() {
        return Ok(TOOLS.iter().collect());
    }
    names.iter().map(|name| find(name)).collect()
}

fn find(name: &str) -> Result<&'static Tool> {
    let Some(tool) = TOOLS.iter().find(|tool| tool.name == name) else {
        bail!("unknown tool `{name}`: `cargo xtask tools --help` lists the tools");
    };
    Ok(tool)
}

impl Tool {
    fn is_program(&self) -> bool {
        !matches!(self.source, Source::Target | Source::GoFiles { .. })
    }

    fn locate(&self, workspace: &Workspace) -> Result<Option<PathBuf>> {
        match self.source {
            Source::Target => target::locate(self.name),
            Source::Envoy => envoy::locate(workspace),
            Source::Crate { .. }
            | Source::Locked { .. }
            | Source::Npm { .. }
            | Source::GoCommand { .. }
            | Source::GoModule(_)
            | Source::Collector { .. }
            | Source::GoFiles { .. }
            | Source::Wheel { .. } => {
                Ok(Some(self.cached(workspace)?).filter(|path| path.is_file()))
            }
        }
    }

    fn cached(&self, workspace: &Workspace) -> Result<PathBuf> {
        let folder = cache::home()?.join(self.folder(workspace)?);
        Ok(match self.source {
            Source::Npm { .. } => folder.join("node_modules/.bin").join(self.name),
            _ => folder.join("bin").join(self.name),
        })
    }

    /// Returns the folder of the tool in the cache, which contains its version.
    fn folder(&self, workspace: &Workspace) -> Result<String> {
        Ok(match self.source {
            Source::Crate { package, version } => format!("{package}-{version}"),
            Source::Locked { package, with } => format!("{package}-{}", workspace.locked(with)?),
            Source::Npm { package, version } | Source::Wheel { package, version } => {
                format!("{package}-{version}")
            }
            Source::GoCommand { version, .. } | Source::GoFiles { version, .. } => {
                format!("{}-{version}", self.name)
            }
            Source::GoModule(ref module) => golang::folder(workspace, module)?,
            Source::Collector { builder } => collector::folder(workspace, builder)?,
            Source::Target | Source::Envoy => self.name.to_owned(),
        })
    }

    fn ensure(&self, workspace: &Workspace) -> Result<PathBuf> {
        if let Some(path) = self.locate(workspace)? {
            return Ok(path);
        }
        report::progress(&format!("{}: installing ({})", self.name, self.source.cost()));
        self.install(workspace).with_context(|| format!("cannot install {}", self.name))?;
        let path = self.locate(workspace)?;
        path.with_context(|| format!("{} was installed, but its file is missing", self.name))
    }

    fn install(&self, workspace: &Workspace) -> Result<()> {
        let folder = self.folder(workspace)?;
        match self.source {
            Source::Target => target::install(self.name),
            Source::Envoy => envoy::install(workspace),
            Source::Crate { package, version } => {
                cache::fill(&folder, |to| crates::install(to, package, version, self.name))
            }
            Source::Locked { package, with } => {
                let version = workspace.locked(with)?;
                cache::fill(&folder, |to| crates::install(to, package, &version, self.name))
            }
            Source::Npm { package, version } => {
                cache::fill(&folder, |to| npm::install(to, package, version))
            }
            Source::GoCommand { package, version } => {
                cache::fill(&folder, |to| golang::install(to, package, version))
            }
            Source::GoModule(ref module) => {
                cache::fill(&folder, |to| golang::build(workspace, to, module))
            }
            Source::GoFiles { module, version, folder: files } => {
                cache::fill(&folder, |to| golang::join(to, self.name, module, version, files))
            }
            Source::Collector { builder } => {
                cache::fill(&folder, |to| collector::build(workspace, to, builder))
            }
            Source::Wheel { package, version } => {
                cache::fill(&folder, |to| wheel::install_program(to, package, version))
            }
        }
    }
}
