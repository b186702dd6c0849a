//! The shipped WasmPlugins pass Istio's own validation.

use std::{fs, path::Path, process::Command};

use anyhow::Result;
use serde_json::json;
use tests::repository;

use crate::{
    Scenario,
    mesh::{Mesh, NAMESPACE},
    plugin, tools,
};

/// The scenarios of this module.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("the API server accepts every WasmPlugin with strict validation", api_server_accepts),
    ("istioctl validate accepts every WasmPlugin", istioctl_validates),
    ("istioctl analyze reports nothing about any WasmPlugin", istioctl_analyzes),
];

fn api_server_accepts(mesh: &Mesh) -> Result<()> {
    mesh.kubectl().validate(&mesh.kubectl().kustomize(&plugin::folder())?)?;
    let is_sample =
        |name: &str| name.starts_with("wasmplugins/") && !name.contains("kustomization");
    let mut texts = repository::texts()?.into_iter().filter(|(name, _)| is_sample(name));
    texts.try_for_each(|(_, text)| mesh.kubectl().validate(&text))
}

fn istioctl_validates(mesh: &Mesh) -> Result<()> {
    istioctl_accepts(mesh, &["validate"], &["-f"])
}

fn istioctl_analyzes(mesh: &Mesh) -> Result<()> {
    istioctl_accepts(mesh, &["analyze", "--use-kube=false", "--failure-threshold=Info"], &[])
}

/// Fails unless `istioctl` accepts the WasmPlugins of the filters and the suite.
fn istioctl_accepts(mesh: &Mesh, arguments: &[&str], before_file: &[&str]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("wasmplugins.yaml");
    fs::write(&file, every_plugin(mesh)?)?;
    let mut istioctl = Command::new(&mesh.tools().istioctl);
    tools::output(istioctl.args(arguments).args(before_file).arg::<&Path>(&file))?;
    Ok(())
}

/// Renders the WasmPlugin of every filter and of the suite; the shipped kustomization has only the
/// suite.
fn every_plugin(mesh: &Mesh) -> Result<String> {
    let overlay = tempfile::tempdir()?;
    let filters = repository::filters()?.into_iter();
    let files: Vec<_> = filters.map(|filter| format!("{filter}.yaml")).collect();
    for file in &files {
        fs::copy(plugin::folder().join(file), overlay.path().join(file))?;
    }
    let kustomization = json!({"resources": files, "namespace": NAMESPACE});
    fs::write(overlay.path().join("kustomization.yaml"), kustomization.to_string())?;
    mesh.kubectl().kustomize(overlay.path())
}
