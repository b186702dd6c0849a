//! The files by which an agent gets its certificate.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use tests::process::wait_until;

use super::{kubectl::Kubectl, role::Role};

/// Timeout until istiod has published the certificate of its authority in a namespace.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Writes the token and the root certificate for an agent with this role below its folder, where
/// injection mounts them in a pod.
///
/// # Errors
/// If the API server issues no token, istiod publishes no certificate, or a file cannot be written.
pub(super) fn write(kubectl: &Kubectl, role: Role, home: &Path) -> Result<()> {
    let token = kubectl.token(role.namespace(), role.service_account())?;
    let mut root = String::new();
    wait_until("publishing the root certificate", TIMEOUT, || {
        root = kubectl.root_certificate(role.namespace()).unwrap_or_default();
        Ok(!root.is_empty())
    })?;
    let secrets = home.join("var/run/secrets");
    for (file, content) in [("tokens/istio-token", token.trim()), ("istio/root-cert.pem", &root)] {
        let path = secrets.join(file);
        let folder = path.parent().context("no folder")?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, content))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
