//! Pushes images: the very bytes of the layout, so that the digest stays.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use oci_client::{Reference, RegistryOperation};
use oci_spec::image::ImageManifest;

use crate::image;
use crate::report;
use crate::workspace::{Filter, Workspace};

/// What an image is called in the registry.
pub(crate) enum Name {
    /// The filter's version.
    Version,
    /// This tag.
    Tag(String),
    /// Nothing but its digest.
    Digest,
}

impl Name {
    /// The name that the flags of the command line ask for.
    pub(crate) fn choose(tag: Option<String>, digest: bool) -> Self {
        match tag {
            Some(tag) => Self::Tag(tag),
            None if digest => Self::Digest,
            None => Self::Version,
        }
    }

    fn of(&self, repository: &str, filter: &Filter, digest: &str) -> String {
        match self {
            // Build metadata (`1.2.0+abc`) has no place in a tag.
            Self::Version => format!("{repository}:{}", filter.package().version).replace('+', "_"),
            Self::Tag(tag) => format!("{repository}:{tag}"),
            Self::Digest => format!("{repository}@{digest}"),
        }
    }
}

/// Pushes the image of every filter to `<prefix>/<filter>`.
///
/// # Errors
/// An image that isn't packed yet; what the registry says.
pub(crate) fn run(workspace: &Workspace, prefix: &str, name: &Name) -> Result<()> {
    // The error says that a default is set already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for filter in workspace.shipped(&[])? {
        let layout = image::layout_of(workspace, filter);
        let digest = image::manifest_of(&layout)?;
        let repository = format!("{}/{}", prefix.trim_end_matches('/'), filter.name());
        let target = name.of(&repository, filter, &digest);
        let target: Reference = target.parse().with_context(|| format!("`{target}`"))?;
        runtime.block_on(push(&layout, &digest, &target)).with_context(|| target.to_string())?;
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
        let blob = image::blob(layout, part.digest().as_ref())?;
        client.push_blob(target, blob.bytes, &blob.digest).await?;
    }
    let kind = "application/vnd.oci.image.manifest.v1+json".parse()?;
    client.push_manifest_raw(target, manifest.bytes, kind).await?;
    Ok(())
}

/// Whether a registry is on this machine, where plain HTTP harms nobody.
fn is_loopback(registry: &str) -> bool {
    let without_port = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let host = if registry.ends_with(']') { registry } else { without_port };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What the docker configuration holds for a registry.
fn credentials(registry: &str) -> Result<RegistryAuth> {
    // Docker Hub is filed under its old address.
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
        // A helper's output may hold a secret, so it isn't shown.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
            Err(anyhow!("the docker credential helper `{helper}` failed for {registry}"))
        }
        Err(error) => Err(anyhow!("docker configuration, {registry}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn plain_http_stays_on_this_machine() {
        let loopback =
            ["localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000", "[::1]"];
        let remote = [
            "ghcr.io",
            "10.0.0.1:5000",
            "192.168.1.2",
            "localhost.evil.test",
            "[fe80::1]:80",
            "127.0.0.1.evil.test:80",
        ];
        for registry in loopback {
            assert!(is_loopback(registry), "{registry}");
        }
        for registry in remote {
            assert!(!is_loopback(registry), "{registry}");
        }
    }
}
