//! A client of the API server.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tests::process::wait_until;

use crate::tools;

/// Timeout of a request to the API server.
const TIMEOUT: &str = "--request-timeout=20s";
/// Timeout until custom resource definitions are served.
const READY: Duration = Duration::from_secs(30);

/// `kubectl` with the credentials of the mesh.
#[derive(Debug)]
pub(crate) struct Kubectl {
    program: PathBuf,
    config: PathBuf,
}

impl Kubectl {
    /// Creates a client that runs `program` with the kubeconfig file `config`.
    pub(crate) fn new(program: &Path, config: &Path) -> Self {
        Self { program: program.to_owned(), config: config.to_owned() }
    }

    /// Returns the kubeconfig file.
    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    /// Returns `true` if the API server is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.run(&["get", "--raw", "/readyz"]).is_ok_and(|response| response == "ok")
    }

    /// Installs the custom resource definitions in `file` and waits until they are served.
    ///
    /// # Errors
    /// If the API server rejects them or does not serve them within 30 seconds.
    pub(crate) fn define(&self, file: &Path) -> Result<()> {
        let file = file.to_str().context("the path is not UTF-8")?;
        self.run(&["apply", "--server-side", "-f", file])?;
        // kubectl fails at once if a definition has no status yet, so it is repeated.
        let wait = ["wait", "--for=condition=established", "crd", "--all", "--timeout=30s"];
        wait_until("serving the definitions", READY, || Ok(self.run(&wait).is_ok()))
    }

    /// Returns a token of a service account for istiod's certificate authority.
    ///
    /// # Errors
    /// If the API server rejects the request. The error contains its message.
    pub(crate) fn token(&self, namespace: &str, account: &str) -> Result<String> {
        let create = ["create", "token", account, "-n", namespace];
        self.run(&[&create[..], &["--audience=istio-ca", "--duration=24h"]].concat())
    }

    /// Returns the certificate that istiod has published in a namespace.
    ///
    /// # Errors
    /// If there is none yet.
    pub(crate) fn root_certificate(&self, namespace: &str) -> Result<String> {
        let path = r"jsonpath={.data.root-cert\.pem}";
        self.run(&["get", "configmap", "istio-ca-root-cert", "-n", namespace, "-o", path])
    }

    /// Applies `documents` with strict validation of fields.
    ///
    /// # Errors
    /// If the API server rejects the request. The error contains its message.
    pub(crate) fn apply(&self, documents: &str) -> Result<()> {
        self.feed(&["apply", "--validate=strict", "-f", "-"], documents)
    }

    /// Validates `documents` like [`Kubectl::apply`] without storing them.
    ///
    /// # Errors
    /// If the API server rejects the request. The error contains its message.
    pub(crate) fn validate(&self, documents: &str) -> Result<()> {
        self.feed(&["apply", "--validate=strict", "--dry-run=server", "-f", "-"], documents)
    }

    /// Deletes the resources of `documents`, if they exist.
    ///
    /// # Errors
    /// If the API server rejects the request. The error contains its message.
    pub(crate) fn delete(&self, documents: &str) -> Result<()> {
        self.feed(&["delete", "--ignore-not-found", "-f", "-"], documents)
    }

    /// Builds the kustomization in `folder`.
    ///
    /// # Errors
    /// If it is invalid.
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
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kubectl {arguments:?}: {stderr}\n{documents}");
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(&self.config).arg(TIMEOUT);
        command
    }
}
