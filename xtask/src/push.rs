//! Pushes images, byte for byte as in their layouts.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Reference, RegistryOperation};
use oci_spec::image::ImageManifest;

use crate::image::{self, Blob};
use crate::report;
use crate::workspace::Workspace;

/// The tag of an image in the registry.
pub(crate) enum ImageTag {
    /// The version of the filter.
    Version,
    /// A custom tag.
    Tag(String),
    /// No tag: the image is pushed by digest.
    Digest,
}

impl ImageTag {
    /// Returns the tag for the flags of the command line.
    pub(crate) fn from_flags(tag: Option<String>, digest: bool) -> Self {
        match tag {
            Some(tag) => Self::Tag(tag),
            None if digest => Self::Digest,
            None => Self::Version,
        }
    }

    /// Returns the reference of an image.
    ///
    /// It has the digest in place of the tag, because the client panics on a reference with a digest
    /// if the registry does not return the location of the manifest.
    fn reference(&self, repository: &str, version: &str, digest: &str) -> Result<Reference> {
        let tagged = match self {
            // A tag cannot contain the `+` of build metadata (`1.2.0+abc`).
            Self::Version => format!("{repository}:{}", version.replace('+', "_")),
            Self::Tag(tag) => format!("{repository}:{tag}"),
            Self::Digest => repository.to_owned(),
        };
        let reference: Reference = tagged.parse().with_context(|| format!("`{tagged}`"))?;
        if !matches!(self, Self::Digest) {
            return Ok(reference);
        }
        let registry = reference.registry().to_owned();
        let path = reference.repository().to_owned();
        Ok(Reference::with_tag(registry, path, digest.to_owned()))
    }
}

/// Pushes the image of every filter to `<prefix>/<filter>`.
///
/// # Errors
/// Fails if an image is not packed or the registry returns an error.
pub(crate) fn run(workspace: &Workspace, prefix: &str, tag: &ImageTag) -> Result<()> {
    // Fails only if a default is already set.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for filter in workspace.shipped(&[])? {
        let layout = image::layout_path(workspace, filter);
        let digest = image::manifest_digest(&layout)?;
        let version = filter.package().version.to_string();
        let repository = format!("{}/{}", prefix.trim_end_matches('/'), filter.name());
        let target = tag.reference(&repository, &version, &digest)?;
        runtime.block_on(push(&layout, &digest, &target)).with_context(|| repository.clone())?;
        report::print(&format!("{repository}@{digest}"))?;
    }
    Ok(())
}

async fn push(layout: &Path, digest: &str, target: &Reference) -> Result<()> {
    let manifest = image::blob(layout, digest)?;
    let parts = ImageManifest::from_reader(manifest.bytes.as_slice())?;
    let registry = target.resolve_registry();
    let protocol = if is_loopback(registry) { ClientProtocol::Http } else { ClientProtocol::Https };
    let client = Client::new(ClientConfig { protocol, ..ClientConfig::default() });
    client.auth(target, &credentials(registry)?, RegistryOperation::Push).await?;
    for part in parts.layers().iter().chain([parts.config()]) {
        push_blob(&client, target, image::blob(layout, part.digest().as_ref())?).await?;
    }
    let kind = "application/vnd.oci.image.manifest.v1+json".parse()?;
    client.push_manifest_raw(target, manifest.bytes, kind).await?;
    Ok(())
}

/// Pushes a blob unless the registry has it.
///
/// Some registries store a blob but violate the specification by not returning its location, so its
/// existence is checked again.
async fn push_blob(client: &Client, target: &Reference, blob: Blob) -> Result<()> {
    if client.blob_exists(target, &blob.digest).await? {
        return Ok(());
    }
    match client.push_blob(target, blob.bytes, &blob.digest).await {
        Err(OciDistributionError::RegistryNoLocationError)
            if client.blob_exists(target, &blob.digest).await? =>
        {
            Ok(())
        }
        pushed => Ok(pushed.map(drop)?),
    }
}

/// Returns `true` if a registry is on this machine, so plain HTTP is safe.
fn is_loopback(registry: &str) -> bool {
    let without_port = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let host = if registry.ends_with(']') { registry } else { without_port };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Returns the credentials of the docker configuration for a registry.
fn credentials(registry: &str) -> Result<RegistryAuth> {
    // The configuration has Docker Hub under its old address.
    let name = if registry == "index.docker.io" { "https://index.docker.io/v1/" } else { registry };
    match docker_credential::get_credential(name) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Ok(RegistryAuth::Basic(user, password))
        }
        Ok(DockerCredential::IdentityToken(_)) => bail!(
            "the docker configuration has an identity token for {registry}, which is not supported: \
             log in with a user name and a password or an access token"
        ),
        Err(
            CredentialRetrievalError::NoCredentialConfigured
            | CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError,
        ) => Ok(RegistryAuth::Anonymous),
        // The output of a helper can contain a secret, so it is not shown.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
            Err(anyhow!("the docker credential helper `{helper}` failed for {registry}"))
        }
        Err(error) => Err(anyhow!("docker configuration, {registry}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageTag, is_loopback};

    #[test]
    fn only_local_registries_use_plain_http() {
        let loopback = ["localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"];
        let remote = [
            "registry.example.com",
            "10.0.0.1:5000",
            "192.168.1.2",
            "localhost.test",
            "127.0.0.1.test:80",
        ];
        for registry in loopback {
            assert!(is_loopback(registry), "{registry}");
        }
        for registry in remote {
            assert!(!is_loopback(registry), "{registry}");
        }
    }

    #[test]
    fn a_reference_has_the_version_a_tag_or_the_digest() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let repository = "registry.example.com/weir/jwt-auth";
        let reference = |tag: ImageTag| tag.reference(repository, "1.2.0+abc", &digest);
        let tag = |tag| reference(tag).unwrap().tag().unwrap().to_owned();
        assert_eq!(tag(ImageTag::from_flags(None, false)), "1.2.0_abc");
        assert_eq!(tag(ImageTag::from_flags(Some("latest".to_owned()), false)), "latest");
        assert_eq!(tag(ImageTag::from_flags(None, true)), digest);
        assert!(reference(ImageTag::from_flags(Some("a b".to_owned()), false)).is_err());
    }
}
