//! Talks to the API server as an operator does.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tests::process::wait_until;

use crate::tools;

/// The longest time one request to the API server may take.
const LIMIT: &str = "--request-timeout=20s";
/// Timeout until definitions are served.
const READY: Duration = Duration::from_secs(30);

/// `kubectl` with the credentials of this mesh.
#[derive(Debug)]
pub(crate) struct Kubectl {
    program: PathBuf,
    config: PathBuf,
}

impl Kubectl {
    /// Uses `program` with the credentials in the file `config`.
    pub(crate) fn new(program: &Path, config: &Path) -> Self {
        Self { program: program.to_owned(), config: config.to_owned() }
    }

    /// The file with the credentials.
    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    /// Whether the API server says that it is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.run(&["get", "--raw", "/readyz"]).is_ok_and(|answer| answer == "ok")
    }

    /// Installs the custom resource definitions in `file` and waits until they are served.
    ///
    /// # Errors
    /// When the API server refuses them or does not serve them within 30 seconds.
    pub(crate) fn define(&self, file: &Path) -> Result<()> {
        let file = file.to_str().context("a path that is not UTF-8")?;
        self.run(&["apply", "--server-side", "-f", file])?;
        // kubectl fails instead of waiting if a definition has no status yet.
        let wait = ["wait", "--for=condition=established", "crd", "--all", "--timeout=30s"];
        wait_until("serving the definitions", READY, || Ok(self.run(&wait).is_ok()))
    }

    /// Makes a namespace.
    ///
    /// # Errors
    /// With the words of the API server when it refuses.
    pub(crate) fn create_namespace(&self, name: &str) -> Result<()> {
        self.run(&["create", "namespace", name]).map(drop)
    }

    /// Applies `documents`; unknown and misspelt fields are refused.
    ///
    /// # Errors
    /// With the words of the API server when it refuses.
    pub(crate) fn apply(&self, documents: &str) -> Result<()> {
        self.feed(&["apply", "--validate=strict", "-f", "-"], documents)
    }

    /// Lets the API server judge `documents` as [`Kubectl::apply`] does, and stores nothing.
    ///
    /// # Errors
    /// With the words of the API server when it refuses.
    pub(crate) fn judge(&self, documents: &str) -> Result<()> {
        self.feed(&["apply", "--validate=strict", "--dry-run=server", "-f", "-"], documents)
    }

    /// Deletes what `documents` name; what is not there is fine.
    ///
    /// # Errors
    /// With the words of the API server when it refuses.
    pub(crate) fn delete(&self, documents: &str) -> Result<()> {
        self.feed(&["delete", "--ignore-not-found", "-f", "-"], documents)
    }

    /// Builds the kustomization in `folder`.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn kustomize(&self, folder: &Path) -> Result<String> {
        tools::output(Command::new(&self.program).arg("kustomize").arg(folder))
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        tools::output(self.command().args(arguments))
    }

    fn feed(&self, arguments: &[&str], documents: &str) -> Result<()> {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("kubectl has no standard input")?;
        stdin.write_all(documents.as_bytes())?;
        drop(stdin);
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kubectl {arguments:?}: {said}\n{documents}");
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(&self.config).arg(LIMIT);
        command
    }
}
