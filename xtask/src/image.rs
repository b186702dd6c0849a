//! OCI images. The digest depends only on the module and its metadata.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use oci_spec::image::ImageIndex;

use crate::report;
use crate::workspace::{Filter, Workspace};

mod layer;
mod layout;
mod manifest;
#[cfg(test)]
mod tests;

pub(crate) use layout::{Blob, blob};
pub(crate) use manifest::ImageMetadata;

/// Packs the filters with these names; all if `names` is empty.
///
/// # Errors
/// Fails if a module is not built.
pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<()> {
    for filter in workspace.shipped(names)? {
        let path = workspace.wasm().join(filter.module()).with_extension("wasm");
        let wasm = fs::read(&path).with_context(|| {
            let name = filter.name();
            format!("{} is missing: run `cargo xtask build {name}`", path.display())
        })?;
        let digest = pack(&layout_path(workspace, filter), &wasm, &ImageMetadata::new(filter))?;
        report::print(&format!("{} {digest}", filter.name()))?;
    }
    Ok(())
}

/// Returns the SHA-256 of a filter's manifest in hexadecimal, as in the field `sha256` of a
/// WasmPlugin.
///
/// # Errors
/// Fails if the image is not packed.
pub(crate) fn digest(workspace: &Workspace, name: &str) -> Result<String> {
    let filters = workspace.shipped(&[name.to_owned()])?;
    let filter = filters.first().with_context(|| format!("no filter is called `{name}`"))?;
    let manifest = manifest_digest(&layout_path(workspace, filter))?;
    Ok(manifest.trim_start_matches("sha256:").to_owned())
}

/// Returns the folder of a filter's OCI layout.
pub(crate) fn layout_path(workspace: &Workspace, filter: &Filter) -> PathBuf {
    workspace.images().join(filter.name())
}

/// Returns the digest of the manifest in a layout.
///
/// # Errors
/// Fails if the image is not packed.
pub(crate) fn manifest_digest(layout: &Path) -> Result<String> {
    let index = ImageIndex::from_file(layout.join("index.json"))
        .with_context(|| format!("no image in {}: run `cargo xtask image`", layout.display()))?;
    let manifest = index.manifests().first();
    let manifest = manifest
        .with_context(|| format!("no manifest in {}: run `cargo xtask image`", layout.display()))?;
    Ok(manifest.digest().to_string())
}

/// Replaces a layout by one with this module. Returns the digest of the manifest.
fn pack(layout: &Path, wasm: &[u8], metadata: &ImageMetadata) -> Result<String> {
    let layer = layer::pack(wasm)?;
    let config = Blob::json(&manifest::config(&layer.diff_id, metadata)?)?;
    let layer = Blob::new(layer.gzip);
    let manifest = Blob::json(&manifest::manifest(&config, &layer, metadata)?)?;
    let digest = manifest.digest.clone();
    let index = manifest::index(&manifest, metadata)?;
    layout::replace(layout, &index, &[config, layer, manifest])?;
    Ok(digest)
}
