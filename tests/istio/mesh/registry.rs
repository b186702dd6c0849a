//! A registry of OCI images.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use tests::{
    client::Client,
    ports::{self, loopback},
    process::Process,
};

use super::{control_plane::returns_200, launcher::Launcher};
use crate::tools;

/// Timeout until the registry responds, sufficient for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The tag of all images.
const TAG: &str = "test";

/// A registry on loopback without authentication.
#[derive(Debug)]
pub(crate) struct Registry {
    crane: PathBuf,
    host: String,
    _process: Process,
}

/// An image in a registry.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The `url` for a WasmPlugin.
    pub(crate) url: String,
    /// The digest of the manifest, in hexadecimal.
    pub(crate) sha256: String,
}

impl Registry {
    /// Starts the registry and waits until it responds.
    ///
    /// # Errors
    /// If that takes longer than 20 seconds.
    pub(crate) fn start(launcher: &Launcher) -> Result<Self> {
        let port = ports::free()?;
        let host = loopback(port).to_string();
        let mut command = Command::new(&launcher.tools.crane);
        command.args(["registry", "serve", "--address", &host]);
        let mut process = launcher.start("registry", &mut command)?;
        let client = Client::http1(loopback(port));
        process.wait_until("ready", TIMEOUT, |_| Ok(returns_200(&client, "/v2/")))?;
        Ok(Self { crane: launcher.tools.crane.clone(), host, _process: process })
    }

    /// Pushes the OCI layout of `filter`.
    ///
    /// # Errors
    /// If it is not a layout or the registry rejects it.
    pub(crate) fn push(&self, filter: &str, layout: &Path) -> Result<Image> {
        let reference = format!("{}/weir/{filter}:{TAG}", self.host);
        let mut push = Command::new(&self.crane);
        tools::output(push.arg("push").arg(layout).arg(&reference))?;
        let digest = tools::output(Command::new(&self.crane).args(["digest", &reference]))?;
        let sha256 = digest.trim().strip_prefix("sha256:").context("the digest is not SHA-256")?;
        Ok(Image { url: format!("oci://{reference}"), sha256: sha256.to_owned() })
    }
}
