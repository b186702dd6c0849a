//! The shipped WasmPlugin of a filter, adapted to the mesh of the tests.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::repository;

use crate::mesh::{Image, Kubectl, Role};

/// The proxy and the traffic that a WasmPlugin applies to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    role: Role,
    mode: &'static str,
    /// Suffix of the plugin's name, distinct for each target.
    suffix: &'static str,
}

impl Target {
    /// All traffic of the gateway.
    pub(crate) const GATEWAY: Self =
        Self { role: Role::Gateway, mode: "CLIENT_AND_SERVER", suffix: "" };
    /// Outbound traffic of the sidecar.
    pub(crate) const CLIENT: Self = Self { role: Role::Sidecar, mode: "CLIENT", suffix: "-client" };
    /// Inbound traffic of the server behind mutual TLS.
    pub(crate) const SHOP: Self = Self { role: Role::Server, mode: "SERVER", suffix: "-shop" };
    /// Inbound traffic of the sidecar.
    pub(crate) const SERVER: Self = Self { role: Role::Sidecar, mode: "SERVER", suffix: "-server" };
}

/// Returns the folder of the shipped WasmPlugins.
pub(crate) fn folder() -> PathBuf {
    repository::root().join("wasmplugins")
}

/// Builds the WasmPlugin of `filter` with this image and configuration. `suffix` extends its name.
///
/// kustomize patches only the fields that operators change in the shipped document.
///
/// # Errors
/// If the document is missing or kustomize fails.
pub(crate) fn document(
    kubectl: &Kubectl,
    filter: &str,
    suffix: &str,
    image: &Image,
    target: &Target,
    config: &Value,
) -> Result<String> {
    let shipped = folder().join(format!("{filter}.yaml"));
    let overlay = tempfile::tempdir()?;
    fs::copy(&shipped, overlay.path().join("plugin.yaml"))
        .with_context(|| format!("cannot copy {}", shipped.display()))?;
    let patch = json!([
        {"op": "add", "path": "/spec/selector", "value": {"matchLabels": target.role.labels()}},
        {"op": "add", "path": "/spec/match", "value": [{"mode": target.mode}]},
        {"op": "add", "path": "/spec/url", "value": image.url},
        {"op": "add", "path": "/spec/sha256", "value": image.sha256},
        {"op": "add", "path": "/spec/imagePullPolicy", "value": "Always"},
        {"op": "add", "path": "/spec/pluginConfig", "value": config},
    ]);
    let kustomization = json!({
        "resources": ["plugin.yaml"],
        "namespace": target.role.namespace(),
        "nameSuffix": format!("{suffix}{}", target.suffix),
        "patches": [{"target": {"kind": "WasmPlugin"}, "patch": patch.to_string()}],
    });
    fs::write(overlay.path().join("kustomization.yaml"), kustomization.to_string())?;
    kubectl.kustomize(overlay.path())
}
