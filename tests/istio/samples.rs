//! The shipped WasmPlugins pass Istio's own validation.

use std::{path::Path, process::Command};

use anyhow::Result;

use tests::repository;

use crate::{Scenario, mesh::Mesh, plugin, tools};

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

/// Fails unless `istioctl` accepts the WasmPlugins of all filters, rendered by kustomize.
fn istioctl_accepts(mesh: &Mesh, arguments: &[&str], before_file: &[&str]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("wasmplugins.yaml");
    std::fs::write(&file, mesh.kubectl().kustomize(&plugin::folder())?)?;
    let mut istioctl = Command::new(&mesh.tools().istioctl);
    tools::output(istioctl.args(arguments).args(before_file).arg::<&Path>(&file))?;
    Ok(())
}
