//! The control plane: etcd, the API server and istiod.

use std::{process::Command, time::Duration};

use anyhow::Result;
use tests::{
    client::Client,
    ports::{self, loopback},
    process::Process,
};

use super::{kubectl::Kubectl, launcher::Launcher};

/// Timeout until a server is ready, sufficient for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Token of the administrator. The API server listens on loopback and stops with the tests.
const TOKEN: &str = "admin-of-the-test-mesh";

/// A running control plane. When dropped, istiod stops first and etcd last.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    pub(crate) kubectl: Kubectl,
    pub(crate) xds_port: u16,
    _istiod: Process,
    _api_server: Process,
    _etcd: Process,
}

impl ControlPlane {
    /// Starts the three servers and waits until each is ready.
    ///
    /// # Errors
    /// If one of them does not become ready. The error contains its log.
    pub(crate) fn start(launcher: &Launcher) -> Result<Self> {
        let (etcd, etcd_url) = start_etcd(launcher)?;
        let (api_server, kubectl) = start_api_server(launcher, &etcd_url)?;
        kubectl.define(&launcher.tools.resource_definitions())?;
        kubectl.apply(include_str!("accounts.yaml"))?;
        let (istiod, xds_port) = start_istiod(launcher, &kubectl)?;
        Ok(Self { kubectl, xds_port, _istiod: istiod, _api_server: api_server, _etcd: etcd })
    }
}

fn start_etcd(launcher: &Launcher) -> Result<(Process, String)> {
    let (port, peer_port) = (ports::free()?, ports::free()?);
    let url = format!("http://{}", loopback(port));
    let mut command = Command::new(&launcher.tools.etcd);
    command
        .arg("--data-dir")
        .arg(launcher.home("etcd")?)
        .args(["--listen-client-urls", &url, "--advertise-client-urls", &url])
        .args(["--listen-peer-urls", &format!("http://{}", loopback(peer_port))])
        // The data is temporary and needs no durability.
        .args(["--unsafe-no-fsync", "--log-level=warn"]);
    let mut etcd = launcher.start("etcd", &mut command)?;
    let client = Client::http1(loopback(port));
    etcd.wait_until("healthy", TIMEOUT, |_| Ok(returns_200(&client, "/health")))?;
    Ok((etcd, url))
}

fn start_api_server(launcher: &Launcher, etcd_url: &str) -> Result<(Process, Kubectl)> {
    let port = ports::free()?;
    let tokens = launcher.write("tokens.csv", &format!("{TOKEN},admin,admin,system:masters\n"))?;
    let certificates = launcher.home("api-server")?;
    // The server generates this key at its start, before it loads the key that signs tokens.
    let key = certificates.join("apiserver.key");
    let mut command = Command::new(&launcher.tools.kube_apiserver);
    command
        .arg(format!("--etcd-servers={etcd_url}"))
        .arg(format!("--secure-port={port}"))
        .args(["--bind-address=127.0.0.1", "--service-cluster-ip-range=10.0.0.0/24"])
        .args(["--authorization-mode=AlwaysAllow", "--disable-admission-plugins=ServiceAccount"])
        .args(["--endpoint-reconciler-type=none"])
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg("--cert-dir")
        .arg(&certificates)
        .arg("--token-auth-file")
        .arg(&tokens)
        .arg("--service-account-signing-key-file")
        .arg(&key)
        .arg("--service-account-key-file")
        .arg(&key);
    let mut server = launcher.start("kube-apiserver", &mut command)?;

    let document = include_str!("kubeconfig.yaml")
        .replace("$API_PORT", &port.to_string())
        .replace("$TOKEN", TOKEN);
    let config = launcher.write("kubeconfig.yaml", &document)?;
    let kubectl = Kubectl::new(&launcher.tools.kubectl, &config);
    server.wait_until("ready", TIMEOUT, |_| Ok(kubectl.is_ready()))?;
    Ok((server, kubectl))
}

fn start_istiod(launcher: &Launcher, kubectl: &Kubectl) -> Result<(Process, u16)> {
    let (xds_port, http_port, metrics_port) = (ports::free()?, ports::free()?, ports::free()?);
    let document = include_str!("mesh-config.yaml").replace("$XDS_PORT", &xds_port.to_string());
    let mesh_config = launcher.write("mesh-config.yaml", &document)?;
    let mut command = Command::new(&launcher.tools.pilot_discovery);
    command
        .arg("discovery")
        .arg("--kubeconfig")
        .arg(kubectl.config())
        .arg("--meshConfig")
        .arg(&mesh_config)
        .arg("--httpAddr")
        .arg(loopback(http_port).to_string())
        // With TLS. The certificate is valid for the address in the mesh configuration.
        .arg("--secureGRPCAddr")
        .arg(loopback(xds_port).to_string())
        .arg("--monitoringAddr")
        .arg(loopback(metrics_port).to_string())
        .args(["--httpsAddr", "", "--grpcAddr", "", "--ctrlz_port", "0"])
        .env("POD_NAMESPACE", "istio-system")
        // These extensions are only in Istio's own build of Envoy.
        .env("PILOT_ENABLE_METADATA_EXCHANGE", "false")
        .env("PILOT_ENABLE_ALPN_FILTER", "false")
        // Webhooks are not needed without pods.
        .env("INJECTION_WEBHOOK_CONFIG_NAME", "")
        .env("VALIDATION_WEBHOOK_CONFIG_NAME", "")
        .current_dir(launcher.home("istiod")?);
    let mut istiod = launcher.start("istiod", &mut command)?;
    let client = Client::http1(loopback(http_port));
    istiod.wait_until("ready", TIMEOUT, |_| Ok(returns_200(&client, "/ready")))?;
    Ok((istiod, xds_port))
}

pub(super) fn returns_200(client: &Client, path: &str) -> bool {
    client.get(path).is_ok_and(|response| response.status == 200)
}
