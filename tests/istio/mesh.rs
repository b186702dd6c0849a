//! A mesh on loopback: control plane, gateway, registry, application and identity provider.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    env, fs,
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::Value;
use tests::{
    client::{Client, Request, Response},
    identity_provider::IdentityProvider,
    ports::{self, loopback},
    process::wait_until,
    upstream::Upstream,
};

mod control_plane;
mod credentials;
mod kubectl;
mod launcher;
mod proxy;
mod registry;
mod role;

use self::{control_plane::ControlPlane, launcher::Launcher, registry::Registry};
pub(crate) use self::{
    kubectl::Kubectl,
    proxy::Proxy,
    registry::Image,
    role::{NAMESPACE, Role, SHOP},
};
use crate::{
    plugin::{self, Target},
    tools::Tools,
};

/// Timeout until the gateway applies a change, sufficient for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A running mesh. All processes stop when this value is dropped.
#[derive(Debug)]
pub(crate) struct Mesh {
    gateway: Proxy,
    control_plane: ControlPlane,
    _registry: Registry,
    launcher: Launcher,
    _app: Upstream,
    idp: IdentityProvider,
    images: BTreeMap<String, Image>,
    address: SocketAddr,
    applied: RefCell<Vec<String>>,
    round: Cell<usize>,
}

impl Mesh {
    /// Starts all servers with logs in `folder`, pushes all images, and waits for the gateway.
    ///
    /// # Errors
    /// If a program is missing or a server does not become ready. The error contains its log.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let launcher = Launcher::new(Tools::from_env()?, folder)?;
        let (app, idp) = (Upstream::start()?, IdentityProvider::start()?);
        let registry = Registry::start(&launcher)?;
        let images = push_all(&registry)?;
        let control_plane = ControlPlane::start(&launcher)?;
        let port = ports::free()?;
        let routes = include_str!("mesh/routes.yaml")
            .replace("$GATEWAY_PORT", &port.to_string())
            .replace("$APP_PORT", &app.address().port().to_string());
        control_plane.kubectl.apply(&routes)?;
        let mut gateway = Proxy::start(&launcher, &control_plane, Role::Gateway)?;
        let address = loopback(port);
        gateway.wait_for_listener(address)?;
        Ok(Self {
            gateway,
            control_plane,
            _registry: registry,
            launcher,
            _app: app,
            idp,
            images,
            address,
            applied: RefCell::default(),
            round: Cell::default(),
        })
    }

    /// Returns the client of the API server.
    pub(crate) fn kubectl(&self) -> &Kubectl {
        &self.control_plane.kubectl
    }

    /// Returns the programs of the mesh.
    pub(crate) fn tools(&self) -> &Tools {
        &self.launcher.tools
    }

    /// Returns the issuer of tokens.
    pub(crate) fn idp(&self) -> &IdentityProvider {
        &self.idp
    }

    /// Returns a client of the gateway.
    pub(crate) fn client(&self) -> Client {
        Client::http1(self.address)
    }

    /// Returns the gateway's metrics in Prometheus format.
    ///
    /// # Errors
    /// If Envoy's admin interface does not respond.
    pub(crate) fn metrics(&self) -> Result<String> {
        self.gateway.metrics()
    }

    /// Returns the names of the gateway's HTTP filters, in request order.
    ///
    /// # Errors
    /// If Envoy's admin interface does not respond.
    pub(crate) fn http_filters(&self) -> Result<Vec<String>> {
        self.gateway.http_filters()
    }

    /// Returns the image of `filter` in the registry.
    ///
    /// # Errors
    /// If it was not built.
    pub(crate) fn image(&self, filter: &str) -> Result<&Image> {
        self.images.get(filter).with_context(|| format!("no image of {filter}: run `make images`"))
    }

    /// Applies `documents` until the end of the scenario.
    ///
    /// # Errors
    /// If the API server rejects them. The error contains its message.
    pub(crate) fn apply(&self, documents: &str) -> Result<()> {
        self.applied.borrow_mut().push(documents.to_owned());
        self.kubectl().apply(documents)
    }

    /// Applies the shipped WasmPlugin of `filter` with `config` until the end of the scenario.
    ///
    /// # Errors
    /// See [`plugin::document`] and [`Mesh::apply`].
    pub(crate) fn apply_plugin(&self, filter: &str, config: &Value) -> Result<()> {
        self.apply_plugin_of(filter, self.image(filter)?, config)
    }

    /// Like [`Mesh::apply_plugin`], with another image.
    ///
    /// # Errors
    /// See [`Mesh::apply_plugin`].
    pub(crate) fn apply_plugin_of(
        &self,
        filter: &str,
        image: &Image,
        config: &Value,
    ) -> Result<()> {
        self.apply_plugin_at(filter, image, &Target::GATEWAY, config)
    }

    /// Like [`Mesh::apply_plugin_of`], for another target.
    ///
    /// # Errors
    /// See [`Mesh::apply_plugin`].
    pub(crate) fn apply_plugin_at(
        &self,
        filter: &str,
        image: &Image,
        target: &Target,
        config: &Value,
    ) -> Result<()> {
        // A new name per scenario: while an old listener drains, Envoy reuses the configuration of
        // a plugin of the same name.
        let suffix = format!("-{}", self.round.get());
        self.apply(&plugin::document(self.kubectl(), filter, &suffix, image, target, config)?)
    }

    /// Starts the sidecar of an application. Its Sidecar resource must have been applied.
    ///
    /// # Errors
    /// If it does not become ready. The error contains its log.
    pub(crate) fn start_sidecar(&self) -> Result<Proxy> {
        self.start_proxy(Role::Sidecar)
    }

    /// Starts a sidecar with this role. Its Sidecar resource must have been applied.
    ///
    /// # Errors
    /// If it does not become ready. The error contains its log.
    pub(crate) fn start_proxy(&self, role: Role) -> Result<Proxy> {
        Proxy::start(&self.launcher, &self.control_plane, role)
    }

    /// Deletes all documents of the scenario and waits until the gateway has removed its filters.
    ///
    /// # Errors
    /// If the API server rejects a deletion or the gateway keeps a filter.
    pub(crate) fn clear(&self) -> Result<()> {
        self.round.update(|round| round.saturating_add(1));
        for documents in self.applied.take() {
            self.kubectl().delete(&documents)?;
        }
        wait_until("removing all filters", TIMEOUT, || Ok(!self.gateway.has_policy()?))
    }

    /// Sends a request through the gateway.
    ///
    /// # Errors
    /// If the gateway does not respond.
    pub(crate) fn send(&self, request: Request) -> Result<Response> {
        self.client().send(request)
    }

    /// Repeats `request` until `expected` returns `true` for the response, and returns it.
    ///
    /// # Errors
    /// If that takes longer than 30 seconds. The error contains the last response.
    pub(crate) fn wait_for(
        &self,
        what: &str,
        request: &Request,
        expected: impl Fn(&Response) -> bool,
    ) -> Result<Response> {
        let mut last = None;
        wait_until(what, TIMEOUT, || {
            let response = self.send(request.clone())?;
            let good = expected(&response);
            last = Some(response);
            Ok(good)
        })
        .with_context(|| format!("the last response: {last:?}"))?;
        last.context("no response")
    }

    /// Waits until the gateway's log contains `text` after `mark`, and returns that line.
    ///
    /// # Errors
    /// If that takes longer than 30 seconds.
    pub(crate) fn wait_for_log(&self, mark: usize, text: &str) -> Result<String> {
        let mut found = None;
        wait_until(&format!("logging {text:?}"), TIMEOUT, || {
            let log = self.gateway.log();
            let fresh = log.get(mark..).unwrap_or_default();
            found = fresh.lines().find(|line| line.contains(text)).map(str::to_owned);
            Ok(found.is_some())
        })?;
        found.context("no line")
    }

    /// Returns the current length of the gateway's log.
    pub(crate) fn log_mark(&self) -> usize {
        self.gateway.log().len()
    }

    /// Returns the gateway's log after `mark`.
    pub(crate) fn log_since(&self, mark: usize) -> String {
        self.gateway.log().get(mark..).unwrap_or_default().to_owned()
    }
}

/// Pushes the images of all filters, which are OCI layouts.
fn push_all(registry: &Registry) -> Result<BTreeMap<String, Image>> {
    let images =
        env::var_os("WEIR_IMAGES").context("WEIR_IMAGES is not set: run `make test-istio`")?;
    let entries = fs::read_dir(&images)
        .with_context(|| format!("no images in {images:?}: run `make images`"))?;
    let mut pushed = BTreeMap::new();
    for entry in entries {
        let layout = entry?.path();
        let name = layout
            .file_name()
            .and_then(|name| name.to_str())
            .context("a file name is not UTF-8")?;
        pushed.insert(name.to_owned(), registry.push(name, &layout)?);
    }
    Ok(pushed)
}
