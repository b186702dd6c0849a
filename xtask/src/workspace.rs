//! The cargo workspace: folders, filters, locked versions.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::command;

mod filter;

pub(crate) use filter::{Filter, ModuleSpec};

/// The cargo workspace of the repository.
pub(crate) struct Workspace {
    metadata: Metadata,
    filters: Vec<Filter>,
}

impl Workspace {
    /// Loads the workspace of the current folder.
    pub(crate) fn load() -> Result<Self> {
        command::require("cargo")?;
        let metadata = MetadataCommand::new().exec()?;
        let root = metadata.workspace_root.as_std_path();
        let folders = [root.join("filters"), root.join("bench")];
        let mut filters: Vec<Filter> = metadata
            .workspace_packages()
            .into_iter()
            .filter(|package| is_module(package))
            .filter_map(|package| Filter::new(package, &folders))
            .collect();
        filters.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(Self { metadata, filters })
    }

    /// Returns the root folder of the repository.
    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Returns cargo's target folder.
    pub(crate) fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// Returns the folder of built modules.
    pub(crate) fn wasm(&self) -> PathBuf {
        self.target().join("wasm")
    }

    /// Returns the folder of OCI layouts.
    pub(crate) fn images(&self) -> PathBuf {
        self.target().join("images")
    }

    /// Returns the folders with the sources of crates from registries.
    pub(crate) fn registry_sources(&self) -> Vec<PathBuf> {
        let outside = self.metadata.packages.iter().filter(|package| package.source.is_some());
        let folder = |package: &Package| package.manifest_path.ancestors().nth(2).map(Into::into);
        let mut folders: Vec<PathBuf> = outside.filter_map(folder).collect();
        folders.sort();
        folders.dedup();
        folders
    }

    /// Returns the version of a crate in `Cargo.lock`.
    ///
    /// # Errors
    /// An unknown crate.
    pub(crate) fn locked(&self, name: &str) -> Result<String> {
        let package = self.metadata.packages.iter().find(|package| package.name == name);
        let package = package.with_context(|| format!("Cargo.lock has no package `{name}`"))?;
        Ok(package.version.to_string())
    }

    /// Returns the filters with these names, in `filters/` and `bench/`; all if `names` is empty.
    ///
    /// # Errors
    /// An unknown name.
    pub(crate) fn modules(&self, names: &[String]) -> Result<Vec<&Filter>> {
        select(self.filters.iter().collect(), names)
    }

    /// Returns the filters with these names in `filters/`; all if `names` is empty.
    ///
    /// # Errors
    /// An unknown name.
    pub(crate) fn shipped(&self, names: &[String]) -> Result<Vec<&Filter>> {
        let home = self.root().join("filters");
        let shipped = self.filters.iter().filter(|filter| filter.folder().starts_with(&home));
        select(shipped.collect(), names)
    }
}

fn is_module(package: &Package) -> bool {
    package.targets.iter().any(cargo_metadata::Target::is_cdylib)
}

fn select<'a>(all: Vec<&'a Filter>, names: &[String]) -> Result<Vec<&'a Filter>> {
    let is_unknown = |name: &&String| all.iter().all(|filter| filter.name() != **name);
    if let Some(unknown) = names.iter().find(is_unknown) {
        let known: Vec<_> = all.iter().map(|filter| filter.name()).collect();
        bail!("unknown filter `{unknown}`: must be one of {}", known.join(", "));
    }
    let wanted = |filter: &&Filter| names.is_empty() || names.iter().any(|n| n == filter.name());
    Ok(all.into_iter().filter(wanted).collect())
}
