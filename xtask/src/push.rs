//! Pushing images, byte for byte, so that their digests do not change.

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

/// Name of an image in the registry.
pub(crate) enum Name {
    /// The filter's version.
    Version,
    /// This tag.
    Tag(String),
    /// Its digest only.
    Digest,
}

impl Name {
    /// Returns the name for the flags of the command line.
    pub(crate) fn choose(tag: Option<String>, digest: bool) -> Self {
        match tag {
            Some(tag) => Self::Tag(tag),
            None if digest => Self::Digest,
            None => Self::Version,
        }
    }

    /// Returns the reference of an image in the registry.
    ///
    /// A digest is passed as the tag, because the client panics on a reference with a digest if a
    /// registry does not return the location of the manifest.
    fn of(&self, repository: &str, version: &str, digest: &str) -> Result<Reference> {
        let tagged = match self {
            // Build metadata (`1.2.0+abc`) is not allowed in a tag.
            Self::Version => format!("{repository}:{}", version.replace('+', "_")),
            Self::Tag(tag) => format!("{repository}:{tag}"),
            Self::Digest => repository.to_owned(),
        };
        let place: Reference = tagged.parse().with_context(|| format!("`{tagged}`"))?;
        if !matches!(self, Self::Digest) {
            return Ok(place);
        }
        let (registry, path) = (place.registry().to_owned(), place.repository().to_owned());
        Ok(Reference::with_tag(registry, path, digest.to_owned()))
    }
}

/// Pushes the image of every filter to `<prefix>/<filter>`.
///
/// # Errors
/// Fails if an image is not packaged, or with the registry's error.
pub(crate) fn run(workspace: &Workspace, prefix: &str, name: &Name) -> Result<()> {
    // An error means that a default is already set, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for filter in workspace.shipped(&[])? {
        let layout = image::layout_of(workspace, filter);
        let digest = image::manifest_of(&layout)?;
        let version = filter.package().version.to_string();
        let repository = format!("{}/{}", prefix.trim_end_matches('/'), filter.name());
        let target = name.of(&repository, &version, &digest)?;
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
/// Some registries store a blob without returning its location, so its existence is checked.
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

/// Returns `true` for a registry on this machine, where plain HTTP is safe.
fn is_loopback(registry: &str) -> bool {
    let without_port = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let host = if registry.ends_with(']') { registry } else { without_port };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Returns the credentials for a registry from the docker configuration.
fn credentials(registry: &str) -> Result<RegistryAuth> {
    // Docker Hub is listed under its old address.
    let name = if registry == "index.docker.io" { "https://index.docker.io/v1/" } else { registry };
    match docker_credential::get_credential(name) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Ok(RegistryAuth::Basic(user, password))
        }
        Ok(DockerCredential::IdentityToken(_)) => bail!(
            "the docker configuration holds an identity token for {registry}, which can't be used \
             here: log in with a user name and a password or access token"
        ),
        Err(
            CredentialRetrievalError::NoCredentialConfigured
            | CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError,
        ) => Ok(RegistryAuth::Anonymous),
        // A helper's output may contain a secret, so it is not shown.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
            Err(anyhow!("the docker credential helper `{helper}` failed for {registry}"))
        }
        Err(error) => Err(anyhow!("docker configuration, {registry}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, is_loopback};

    #[test]
    fn plain_http_stays_on_this_machine() {
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
    fn an_image_is_named_by_its_version_a_tag_or_its_digest() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let place =
            |name: Name| name.of("registry.example.com/weir/jwt-auth", "1.2.0+abc", &digest);
        let tag = |name| place(name).unwrap().tag().unwrap().to_owned();
        assert_eq!(tag(Name::choose(None, false)), "1.2.0_abc");
        assert_eq!(tag(Name::choose(Some("latest".to_owned()), false)), "latest");
        assert_eq!(tag(Name::choose(None, true)), digest);
        assert!(place(Name::choose(Some("a b".to_owned()), false)).is_err());
    }
}
