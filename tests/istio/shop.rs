//! A server whose sidecar accepts only mutual TLS, with three callers: the gateway, a client with a
//! sidecar, and a client without a certificate.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use tests::{
    client::{Client, Request, Response},
    ports::{self, loopback},
    process::wait_until,
    upstream::{Received, Upstream},
};

use crate::{
    mesh::{Mesh, Proxy, Role},
    plugin::Target,
    telemetry::{samples, value},
};

/// The host of the server.
pub(crate) const HOST: &str = "server.shop.example.com";
/// Timeout until the proxy applies a change, sufficient for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Number of requests that reaches every worker of a proxy.
const PROBES: usize = 20;

/// Callers of the server without a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlainText {
    /// Refused.
    Refused,
    /// Accepted.
    Accepted,
}

/// A caller of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A client of the gateway.
    Gateway,
    /// The application of the client's sidecar.
    Client,
    /// A client of the server's port without a certificate.
    Plain,
}

/// A running server with its callers.
pub(crate) struct Shop<'m> {
    pub(crate) mesh: &'m Mesh,
    pub(crate) app: Upstream,
    pub(crate) server_port: u16,
    pub(crate) server: Proxy,
    pub(crate) callers: Callers,
    _client: Proxy,
}

/// The clients through which the callers send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Callers {
    gateway: Client,
    client: Client,
    plain: Client,
}

impl Callers {
    /// Sends a request.
    ///
    /// # Errors
    /// If the caller's proxy, or the server's for a plain caller, does not respond.
    pub(crate) fn send(self, caller: Caller, request: Request) -> Result<Response> {
        match caller {
            Caller::Gateway => self.gateway.send(request),
            Caller::Client => self.client.send(request),
            Caller::Plain => self.plain.send(request),
        }
    }
}

impl<'m> Shop<'m> {
    /// Starts the application and both sidecars, and waits until calls arrive.
    ///
    /// # Errors
    /// If a proxy does not become ready or calls do not arrive.
    pub(crate) fn open(mesh: &'m Mesh, plain_text: PlainText) -> Result<Self> {
        let app = Upstream::start()?;
        let (client_port, server_port) = (ports::free()?, ports::free()?);
        let mode = match plain_text {
            PlainText::Refused => "STRICT",
            PlainText::Accepted => "PERMISSIVE",
        };
        let documents = include_str!("shop/shop.yaml")
            .replace("$APP_PORT", &app.address().port().to_string())
            .replace("$CLIENT_PORT", &client_port.to_string())
            .replace("$SERVER_PORT", &server_port.to_string())
            .replace("$MODE", mode);
        mesh.apply(&documents)?;
        let server = mesh.start_proxy(Role::Server)?;
        let mut proxy = mesh.start_proxy(Role::Client)?;
        proxy.wait_for_listener(loopback(client_port))?;
        let [client, plain] = [client_port, server_port].map(|port| Client::http1(loopback(port)));
        let callers = Callers { gateway: mesh.client(), client, plain };
        let shop = Self { mesh, app, server_port, server, callers, _client: proxy };
        for caller in [Caller::Gateway, Caller::Client] {
            shop.wait_for("reaching the server", caller, &request("/"), 200)?;
        }
        Ok(shop)
    }

    /// Applies a plugin at the server's sidecar until the end of the scenario.
    ///
    /// # Errors
    /// See [`Mesh::apply_plugin`].
    pub(crate) fn apply_plugin(&self, filter: &str, config: &Value) -> Result<()> {
        self.mesh.apply_plugin_at(filter, self.mesh.image(filter)?, &Target::SHOP, config)
    }

    /// Sends a request.
    ///
    /// # Errors
    /// See [`Callers::send`].
    pub(crate) fn send(&self, caller: Caller, request: Request) -> Result<Response> {
        self.callers.send(caller, request)
    }

    /// Returns the status of a request.
    ///
    /// # Errors
    /// See [`Shop::send`].
    pub(crate) fn status(&self, caller: Caller, request: &Request) -> Result<u16> {
        Ok(self.send(caller, request.clone())?.status)
    }

    /// Returns the request that the application received.
    ///
    /// # Errors
    /// If the response is not from the application.
    pub(crate) fn receive(&self, caller: Caller, request: Request) -> Result<Received> {
        Received::from_response(&self.send(caller, request)?)
    }

    /// Waits until every worker responds with this status.
    ///
    /// # Errors
    /// If that takes longer than 30 seconds.
    pub(crate) fn wait_for(
        &self,
        what: &str,
        caller: Caller,
        request: &Request,
        status: u16,
    ) -> Result<()> {
        wait_until(&format!("{what}: {caller:?} gets {status}"), TIMEOUT, || {
            for _ in 0..PROBES {
                if self.status(caller, request)? != status {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Waits until a request arrives with these values of a header from every worker.
    ///
    /// # Errors
    /// If that takes longer than 30 seconds.
    pub(crate) fn wait_for_headers(
        &self,
        caller: Caller,
        request: &Request,
        name: &str,
        values: &[&str],
    ) -> Result<()> {
        wait_until(&format!("receiving {name}: {values:?}"), TIMEOUT, || {
            for _ in 0..PROBES {
                if self.receive(caller, request.clone())?.header(name) != values {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Waits until a counter of the server's proxy has an expected value.
    ///
    /// # Errors
    /// If that takes longer than 30 seconds.
    pub(crate) fn wait_for_metric(
        &self,
        name: &str,
        is_expected: impl Fn(u64) -> bool,
    ) -> Result<()> {
        wait_until(&format!("counting in {name}"), TIMEOUT, || {
            let metrics = self.server.metrics()?;
            Ok(samples(&metrics, name).iter().any(|line| is_expected(value(line))))
        })
    }

    /// Fails unless the request of each caller gets the status.
    ///
    /// # Errors
    /// If one does not.
    pub(crate) fn check(&self, what: &str, cases: &[(Caller, Request, u16)]) -> Result<()> {
        for (caller, request, status) in cases {
            let found = self.send(*caller, request.clone())?;
            ensure!(found.status == *status, "{what}: {caller:?}: {request:?}: {found:?}");
        }
        Ok(())
    }
}

/// Returns a GET request to the server.
pub(crate) fn request(path: &str) -> Request {
    Request::get(path).authority(HOST)
}
