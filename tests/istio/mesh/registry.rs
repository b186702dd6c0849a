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

use super::{control_plane::answers_200, launcher::Launcher};
use crate::tools;

/// How long the registry may take until it answers, on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);
/// The tag that every image of the tests gets.
const TAG: &str = "test";

/// A registry on loopback that asks for no credentials.
#[derive(Debug)]
pub(crate) struct Registry {
    crane: PathBuf,
    host: String,
    _process: Process,
}

/// An image that a registry holds.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The reference in the form that a WasmPlugin wants.
    pub(crate) url: String,
    /// The digest of the manifest, in hexadecimal.
    pub(crate) sha256: String,
}

impl Registry {
    /// Starts the registry and waits until it answers.
    ///
    /// # Errors
    /// When it does not answer in time.
    pub(crate) fn start(launcher: &Launcher) -> Result<Self> {
        let port = ports::free()?;
        let host = loopback(port).to_string();
        let mut command = Command::new(&launcher.tools.crane);
        command.args(["registry", "serve", "--address", &host]);
        let mut process = launcher.start("registry", &mut command)?;
        let client = Client::http1(loopback(port));
        process.wait_until("ready", LIMIT, |_| Ok(answers_200(&client, "/v2/")))?;
        Ok(Self { crane: launcher.tools.crane.clone(), host, _process: process })
    }

    /// Pushes the OCI layout of `filter`.
    ///
    /// # Errors
    /// When it is no layout, or the registry refuses it.
    pub(crate) fn push(&self, filter: &str, layout: &Path) -> Result<Image> {
        let reference = format!("{}/weir/{filter}:{TAG}", self.host);
        let mut push = Command::new(&self.crane);
        tools::output(push.arg("push").arg(layout).arg(&reference))?;
        let digest = tools::output(Command::new(&self.crane).args(["digest", &reference]))?;
        let sha256 = digest.trim().strip_prefix("sha256:").context("a digest without sha256")?;
        Ok(Image { url: format!("oci://{reference}"), sha256: sha256.to_owned() })
    }
}
