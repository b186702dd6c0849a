//! The programs of the mesh.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::repository;

/// Paths of the programs and of files that Istio ships with them.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) etcd: PathBuf,
    pub(crate) kube_apiserver: PathBuf,
    pub(crate) kubectl: PathBuf,
    pub(crate) pilot_discovery: PathBuf,
    pub(crate) pilot_agent: PathBuf,
    pub(crate) istioctl: PathBuf,
    pub(crate) crane: PathBuf,
    pub(crate) envoy: PathBuf,
    istio: PathBuf,
}

impl Tools {
    /// Reads the paths from the environment.
    ///
    /// # Errors
    /// If a variable is not set or is not the path of a file.
    pub(crate) fn from_env() -> Result<Self> {
        Ok(Self {
            etcd: program("WEIR_ETCD")?,
            kube_apiserver: program("WEIR_KUBE_APISERVER")?,
            kubectl: program("WEIR_KUBECTL")?,
            pilot_discovery: program("WEIR_PILOT_DISCOVERY")?,
            pilot_agent: program("WEIR_PILOT_AGENT")?,
            istioctl: program("WEIR_ISTIOCTL")?,
            crane: program("WEIR_CRANE")?,
            envoy: program("ENVOY_PATH")?,
            istio: istio_module()?,
        })
    }

    /// Returns the file with Istio's custom resource definitions.
    pub(crate) fn resource_definitions(&self) -> PathBuf {
        self.istio.join("manifests/charts/base/files/crd-all.gen.yaml")
    }

    /// Returns the agent's template of Envoy's bootstrap.
    pub(crate) fn bootstrap_template(&self) -> PathBuf {
        self.istio.join("tools/packaging/common/envoy_bootstrap.json")
    }
}

/// Runs a command and returns its standard output.
///
/// # Errors
/// If it cannot be started or fails. The error contains its output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
    Ok(stdout)
}

fn program(variable: &str) -> Result<PathBuf> {
    let path = env::var_os(variable)
        .map(PathBuf::from)
        .with_context(|| format!("{variable} is not set: run `make test-istio`"))?;
    ensure!(path.is_file(), "{variable} is not the path of a file: {}", path.display());
    Ok(path)
}

/// Returns the folder of the Go module of Istio.
fn istio_module() -> Result<PathBuf> {
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json", "istio.io/istio"]);
    let json = output(go.current_dir(repository::root().join("tests/istio/tools/istio")))?;
    let module: Value = serde_json::from_str(&json)?;
    let folder = module.get("Dir").and_then(Value::as_str);
    folder.map(PathBuf::from).with_context(|| format!("no folder in {json}"))
}
