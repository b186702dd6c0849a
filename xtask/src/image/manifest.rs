//! Config, manifest and index of an image.

use std::collections::HashMap;

use anyhow::Result;
use oci_spec::image::{
    ANNOTATION_CREATED, ANNOTATION_DESCRIPTION, ANNOTATION_LICENSES, ANNOTATION_REF_NAME,
    ANNOTATION_TITLE, ANNOTATION_VERSION, Arch, ConfigBuilder, Descriptor, DescriptorBuilder,
    HistoryBuilder, ImageConfiguration, ImageConfigurationBuilder, ImageIndex, ImageIndexBuilder,
    ImageManifest, ImageManifestBuilder, MediaType, Os, RootFsBuilder, SCHEMA_VERSION,
};

use super::Blob;
use super::layer::FILE;
use crate::workspace::Filter;

/// The creation time of every image, constant for reproducible digests.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// The metadata of a filter in its image.
pub(crate) struct ImageMetadata {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) licenses: String,
    pub(crate) version: String,
}

impl ImageMetadata {
    /// Returns the metadata in the `Cargo.toml` of a filter.
    pub(crate) fn new(filter: &Filter) -> Self {
        let package = filter.package();
        Self {
            title: filter.name().to_owned(),
            description: package.description.clone().unwrap_or_default(),
            licenses: package.license.clone().unwrap_or_default(),
            version: package.version.to_string(),
        }
    }

    fn annotations(&self) -> HashMap<String, String> {
        let pairs = [
            (ANNOTATION_CREATED, CREATED),
            (ANNOTATION_DESCRIPTION, &self.description),
            (ANNOTATION_LICENSES, &self.licenses),
            (ANNOTATION_TITLE, &self.title),
            (ANNOTATION_VERSION, &self.version),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }
}

/// Returns the config of an image with one layer.
pub(super) fn config(diff_id: &str, metadata: &ImageMetadata) -> Result<ImageConfiguration> {
    let history =
        HistoryBuilder::default().created(CREATED).created_by(format!("COPY {FILE} /")).build()?;
    let rootfs = RootFsBuilder::default().diff_ids(vec![diff_id.to_owned()]).build()?;
    let config = ConfigBuilder::default().labels(metadata.annotations()).build()?;
    Ok(ImageConfigurationBuilder::default()
        .created(CREATED)
        .architecture(Arch::Wasm)
        .os(Os::Other("wasip1".to_owned()))
        .config(config)
        .rootfs(rootfs)
        .history(vec![history])
        .build()?)
}

/// Returns the manifest of an image with one layer.
pub(super) fn manifest(
    config: &Blob,
    layer: &Blob,
    metadata: &ImageMetadata,
) -> Result<ImageManifest> {
    Ok(ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(descriptor(MediaType::ImageConfig, config)?)
        .layers(vec![descriptor(MediaType::ImageLayerGzip, layer)?])
        .annotations(metadata.annotations())
        .build()?)
}

/// Returns the index of the layout, which is not pushed.
pub(super) fn index(manifest: &Blob, metadata: &ImageMetadata) -> Result<ImageIndex> {
    let mut manifest = descriptor(MediaType::ImageManifest, manifest)?;
    let name = (ANNOTATION_REF_NAME.to_owned(), metadata.version.clone());
    manifest.set_annotations(Some(HashMap::from([name])));
    Ok(ImageIndexBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageIndex)
        .manifests(vec![manifest])
        .build()?)
}

fn descriptor(kind: MediaType, blob: &Blob) -> Result<Descriptor> {
    Ok(DescriptorBuilder::default()
        .media_type(kind)
        .digest(blob.digest.parse::<oci_spec::image::Digest>()?)
        .size(u64::try_from(blob.bytes.len())?)
        .build()?)
}
