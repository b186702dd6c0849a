//! A filter's WasmPlugin as the repository ships it, pointed at the mesh of the tests.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::repository;

use crate::mesh::{Image, Kubectl, NAMESPACE, Role};

/// Which requests of which proxy a WasmPlugin is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    role: Role,
    mode: &'static str,
    /// What tells the plugin from that of another place.
    suffix: &'static str,
}

impl Target {
    /// The gateway, for which requests go out and never come in.
    pub(crate) const GATEWAY: Self =
        Self { role: Role::Gateway, mode: "CLIENT_AND_SERVER", suffix: "" };
    /// What the application beside the sidecar sends.
    pub(crate) const CLIENT: Self = Self { role: Role::Sidecar, mode: "CLIENT", suffix: "-client" };
    /// What comes to the application beside the sidecar.
    pub(crate) const SERVER: Self = Self { role: Role::Sidecar, mode: "SERVER", suffix: "-server" };
}

/// Where the documents of all filters lie.
pub(crate) fn folder() -> PathBuf {
    repository::root().join("wasmplugins")
}

/// Builds the WasmPlugin of `filter` that pulls `image` and has `config`, its name ending in `suffix`.
///
/// What an operator changes is changed by kustomize, the rest is the shipped document's.
///
/// # Errors
/// When the document is missing or no kustomization can be made of it.
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
        "namespace": NAMESPACE,
        "nameSuffix": format!("{suffix}{}", target.suffix),
        "patches": [{"target": {"kind": "WasmPlugin"}, "patch": patch.to_string()}],
    });
    fs::write(overlay.path().join("kustomization.yaml"), kustomization.to_string())?;
    kubectl.kustomize(overlay.path())
}
