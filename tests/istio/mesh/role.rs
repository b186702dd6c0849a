//! The workloads that the proxies of the mesh belong to.

use serde_json::{Value, json};

/// The namespace of the gateway and of most documents of the tests.
pub(crate) const NAMESPACE: &str = "istio-ingress";
/// The namespace of the workloads that accept only mutual TLS.
pub(crate) const SHOP: &str = "shop";

/// The role of a proxy. Its sidecars have listeners from a Sidecar resource and no traffic
/// redirection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The ingress gateway.
    Gateway,
    /// The sidecar of an application in the namespace of the gateway.
    Sidecar,
    /// The sidecar of a server in [`SHOP`].
    Server,
    /// The sidecar of a client in [`SHOP`].
    Client,
}

impl Role {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Sidecar => "sidecar",
            Self::Server => "server",
            Self::Client => "client",
        }
    }

    /// Returns the agent's name of the kind of proxy.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Gateway => "router",
            Self::Sidecar | Self::Server | Self::Client => "sidecar",
        }
    }

    /// Returns the namespace of the workload.
    pub(crate) const fn namespace(self) -> &'static str {
        match self {
            Self::Gateway | Self::Sidecar => NAMESPACE,
            Self::Server | Self::Client => SHOP,
        }
    }

    /// Returns the service account, for which `mesh/accounts.yaml` has a document.
    pub(crate) const fn service_account(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Sidecar => "caller",
            Self::Server => "server",
            Self::Client => "client",
        }
    }

    /// Returns the identity in the certificate, without `spiffe://`.
    pub(crate) fn principal(self) -> String {
        format!("cluster.local/ns/{}/sa/{}", self.namespace(), self.service_account())
    }

    /// Returns the labels by which documents select the proxy.
    pub(crate) fn labels(self) -> Value {
        match self {
            Self::Gateway => json!({"istio": "ingressgateway"}),
            Self::Sidecar | Self::Server | Self::Client => json!({"app": self.service_account()}),
        }
    }

    /// Returns the labels of the pod, including those added by Istio's injection.
    pub(super) fn pod_labels(self) -> Value {
        let mut labels = self.labels();
        if let Some(labels) = labels.as_object_mut() {
            let name = json!(format!("the-{}", self.name()));
            labels.insert("service.istio.io/canonical-name".to_owned(), name);
            labels.insert("service.istio.io/canonical-revision".to_owned(), json!("v7"));
        }
        labels
    }
}
