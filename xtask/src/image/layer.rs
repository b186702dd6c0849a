//! The layer of an image.

use anyhow::Result;
use flate2::{Compression, GzBuilder};

use crate::digest::sha256;

/// Name of the file in every image, required by Istio's agent.
pub(super) const FILE: &str = "plugin.wasm";

/// A compressed layer.
pub(super) struct Layer {
    pub(super) gzip: Vec<u8>,
    /// Digest before compression.
    pub(super) diff_id: String,
}

/// Packages a module in an archive that is independent of machine, user and time.
pub(super) fn pack(wasm: &[u8]) -> Result<Layer> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(u64::try_from(wasm.len())?);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, FILE, wasm)?;
    let archive = archive.into_inner()?;

    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    std::io::copy(&mut archive.as_slice(), &mut gzip)?;
    Ok(Layer { gzip: gzip.finish()?, diff_id: format!("sha256:{}", sha256(&archive)) })
}
