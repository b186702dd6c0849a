//! A filter's WasmPlugin as the repository ships it, pointed at the mesh of the tests.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::repository;

use crate::mesh::{Image, Kubectl, NAMESPACE};

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
    config: &Value,
) -> Result<String> {
    let shipped = folder().join(format!("{filter}.yaml"));
    let overlay = tempfile::tempdir()?;
    fs::copy(&shipped, overlay.path().join("plugin.yaml"))
        .with_context(|| format!("cannot copy {}", shipped.display()))?;
    // The one proxy of the mesh is a gateway, for which requests go out and never come in.
    let gateway = json!({"matchLabels": {"istio": "ingressgateway"}});
    let patch = json!([
        {"op": "add", "path": "/spec/selector", "value": gateway},
        {"op": "add", "path": "/spec/match", "value": [{"mode": "CLIENT_AND_SERVER"}]},
        {"op": "add", "path": "/spec/url", "value": image.url},
        {"op": "add", "path": "/spec/sha256", "value": image.sha256},
        {"op": "add", "path": "/spec/imagePullPolicy", "value": "Always"},
        {"op": "add", "path": "/spec/pluginConfig", "value": config},
    ]);
    let kustomization = json!({
        "resources": ["plugin.yaml"],
        "namespace": NAMESPACE,
        "nameSuffix": suffix,
        "patches": [{"target": {"kind": "WasmPlugin"}, "patch": patch.to_string()}],
    });
    fs::write(overlay.path().join("kustomization.yaml"), kustomization.to_string())?;
    kubectl.kustomize(overlay.path())
}
