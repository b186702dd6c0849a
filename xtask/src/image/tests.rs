use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifest, MediaType};

use super::{Blob, ImageMetadata, blob, layer, manifest_digest, pack};

const WASM: &[u8] = b"\0asm\x01\0\0\0";

fn metadata() -> ImageMetadata {
    ImageMetadata {
        title: "jwt-auth".to_owned(),
        description: "Checks tokens".to_owned(),
        licenses: "Apache-2.0".to_owned(),
        version: "1.2.3".to_owned(),
    }
}

fn packed() -> (tempfile::TempDir, ImageManifest) {
    let folder = tempfile::tempdir().unwrap();
    pack(&folder.path().join("a"), WASM, &metadata()).unwrap();
    let layout = folder.path().join("a");
    let manifest = blob(&layout, &manifest_digest(&layout).unwrap()).unwrap();
    (folder, ImageManifest::from_reader(manifest.bytes.as_slice()).unwrap())
}

fn read(folder: &Path, descriptor: &Descriptor) -> Blob {
    let blob = blob(&folder.join("a"), descriptor.digest().as_ref()).unwrap();
    assert_eq!(descriptor.size(), blob.bytes.len() as u64);
    blob
}

#[test]
fn the_digest_does_not_depend_on_the_folder() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [a, b] = folders.map(|folder| pack(&folder.path().join("x/y"), WASM, &metadata()).unwrap());
    assert_eq!(a, b);
}

#[test]
fn the_digest_depends_on_module_and_version() {
    let folder = tempfile::tempdir().unwrap();
    let digest = |wasm, metadata| pack(&folder.path().join("a"), wasm, &metadata).unwrap();
    let first = digest(WASM, metadata());
    assert_ne!(first, digest(b"\0asm\x02\0\0\0", metadata()));
    assert_ne!(first, digest(WASM, ImageMetadata { version: "1.2.4".to_owned(), ..metadata() }));
    assert_eq!(first, digest(WASM, metadata()), "a second pack replaces the first");
}

#[test]
fn the_layer_contains_only_the_module() {
    let (folder, manifest) = packed();
    assert_eq!(manifest.layers().len(), 1);
    let layer = &manifest.layers()[0];
    assert_eq!(layer.media_type(), &MediaType::ImageLayerGzip);
    let layer = read(folder.path(), layer);
    let mut archive = tar::Archive::new(GzDecoder::new(layer.bytes.as_slice()));
    let mut entries = archive.entries().unwrap();
    let mut file = entries.next().unwrap().unwrap();
    assert_eq!(file.path().unwrap(), Path::new("plugin.wasm"));
    let header = file.header();
    assert_eq!(header.mode().unwrap(), 0o644);
    assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
    assert_eq!(header.mtime().unwrap(), 0);
    let mut content = Vec::new();
    file.read_to_end(&mut content).unwrap();
    assert_eq!(content, WASM);
    drop(file);
    assert!(entries.next().is_none());
}

#[test]
fn the_gzip_header_has_no_time_name_or_system() {
    let gzip = layer::pack(WASM).unwrap().gzip;
    assert_eq!(gzip[3], 0, "flags: no name, no comment");
    assert_eq!(gzip[4..8], [0; 4], "time");
    assert_eq!(gzip[9], 255, "unknown system");
}

#[test]
fn the_config_describes_the_layer_and_the_filter() {
    let (folder, manifest) = packed();
    assert_eq!(manifest.config().media_type(), &MediaType::ImageConfig);
    let config = read(folder.path(), manifest.config());
    let config = ImageConfiguration::from_reader(config.bytes.as_slice()).unwrap();
    assert_eq!(config.rootfs().diff_ids(), &[layer::pack(WASM).unwrap().diff_id]);
    assert_eq!(config.created().as_deref(), Some("1970-01-01T00:00:00Z"));
    let annotations = manifest.annotations().clone().unwrap();
    assert_eq!(annotations["org.opencontainers.image.title"], "jwt-auth");
    assert_eq!(annotations["org.opencontainers.image.version"], "1.2.3");
    assert_eq!(config.labels_of_config().unwrap(), &annotations);
}

#[test]
fn refuses_a_changed_blob() {
    let (folder, manifest) = packed();
    let digest = manifest.layers()[0].digest();
    let path = folder.path().join("a/blobs").join(digest.as_ref().replace(':', "/"));
    std::fs::write(path, "changed").unwrap();
    assert!(blob(&folder.path().join("a"), digest.as_ref()).is_err());
}
