//! An OCI image layout on disk.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use oci_spec::image::ImageIndex;
use serde::Serialize;

use crate::digest::sha256;

/// Bytes and their digest.
pub(crate) struct Blob {
    pub(crate) bytes: Vec<u8>,
    /// `sha256:` and 64 hexadecimal digits.
    pub(crate) digest: String,
}

impl Blob {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let digest = format!("sha256:{}", sha256(&bytes));
        Self { bytes, digest }
    }

    /// Serializes a document with sorted keys, as the order of annotation maps is random.
    pub(super) fn json(document: &impl Serialize) -> Result<Self> {
        Ok(Self::new(serde_json::to_vec(&serde_json::to_value(document)?)?))
    }
}

/// Reads a blob of a layout.
///
/// # Errors
/// Fails if the blob is missing or does not match its digest.
pub(crate) fn blob(layout: &Path, digest: &str) -> Result<Blob> {
    let path = layout.join("blobs").join(digest.replace(':', "/"));
    let blob = Blob::new(fs::read(&path).with_context(|| path.display().to_string())?);
    if blob.digest != digest {
        bail!("{} does not match its digest: run `cargo xtask image`", path.display());
    }
    Ok(blob)
}

/// Writes a layout into a temporary folder, then moves it to its path.
pub(super) fn replace(layout: &Path, index: &ImageIndex, blobs: &[Blob]) -> Result<()> {
    let parent = layout.parent().context("the path of the layout has no parent folder")?;
    fs::create_dir_all(parent)?;
    let scratch = tempfile::Builder::new().prefix(".packing-").tempdir_in(parent)?;
    let packed = scratch.path().join("layout");
    let folder = packed.join("blobs/sha256");
    fs::create_dir_all(&folder)?;
    for blob in blobs {
        fs::write(folder.join(blob.digest.trim_start_matches("sha256:")), &blob.bytes)?;
    }
    fs::write(packed.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    fs::write(packed.join("index.json"), Blob::json(index)?.bytes)?;
    if layout.exists() {
        fs::rename(layout, scratch.path().join("old"))?;
    }
    Ok(fs::rename(&packed, layout)?)
}
