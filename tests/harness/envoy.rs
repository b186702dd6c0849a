//! A real Envoy, started with func-e.

use std::{fs, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use hyper::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    bootstrap::{EnvoyOptions, Filter},
    client::{Client, Request},
    process::{Process, wait_until},
    stats::Stats,
};

mod start;

pub use start::{FUNC_E, validate, version};

/// Timeout of configuration changes and waits.
const CHANGE: Duration = Duration::from_secs(30);

/// A running Envoy. It stops when this value is dropped.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    options: EnvoyOptions,
    admin: SocketAddr,
    ingress: SocketAddr,
    folder: TempDir,
}

impl Envoy {
    /// Starts Envoy and waits until it listens.
    ///
    /// # Errors
    /// If func-e or a module is missing, or Envoy rejects the configuration. The error contains
    /// Envoy's log.
    pub fn start(options: EnvoyOptions) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("weir-envoy-").tempdir()?;
        let listeners = folder.path().join("listeners.json");
        fs::write(&listeners, options.listeners(&options.filters)?.to_string())?;
        let bootstrap = options.bootstrap(&listeners.display().to_string())?;
        fs::write(folder.path().join("bootstrap.json"), bootstrap.to_string())?;
        let log = folder.path().join("envoy.log");
        let mut command = start::command(folder.path(), &options)?;
        let mut process =
            Process::start("Envoy", &mut command, &log).with_context(start::missing)?;
        let admin = start::wait_for_admin(&mut process, folder.path())?;
        let ingress = start::wait_for_ingress(&mut process, admin)?;
        Ok(Self { process, options, admin, ingress, folder })
    }

    /// Returns the address of the listener.
    pub fn address(&self) -> SocketAddr {
        self.ingress
    }

    /// Returns an HTTP/1.1 client of the listener.
    pub fn http1(&self) -> Client {
        Client::http1(self.ingress)
    }

    /// Returns an HTTP/2 client of the listener.
    pub fn http2(&self) -> Client {
        Client::http2(self.ingress)
    }

    /// Returns the address of the admin interface.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Returns a client of the admin interface.
    pub fn admin(&self) -> Client {
        Client::http1(self.admin)
    }

    /// Returns Envoy's log, including the access log.
    ///
    /// func-e forwards it line by line, so the last lines may be missing. [`Envoy::stop`] returns
    /// the complete log.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Stops Envoy and returns its complete log.
    ///
    /// # Errors
    /// If the exit status is not available.
    pub fn stop(&mut self) -> Result<String> {
        self.process.stop()?;
        Ok(self.log())
    }

    /// Returns the access log, one JSON object per request.
    pub fn access_log(&self) -> Vec<Value> {
        let log = self.log();
        let lines = log.lines().filter(|line| line.starts_with('{'));
        lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until the log contains `text`.
    ///
    /// # Errors
    /// If that takes longer than 30 seconds.
    pub fn wait_for_log(&mut self, text: &str) -> Result<()> {
        self.process.wait_for_log(text, CHANGE)
    }

    /// Waits until the access log has at least `count` lines and returns them.
    ///
    /// # Errors
    /// If that takes longer than 30 seconds.
    pub fn wait_for_access_log(&mut self, count: usize) -> Result<Vec<Value>> {
        // Envoy buffers its access log. Reopening it is faster than waiting for the flush timer.
        let admin = self.admin();
        self.process.wait_until("writing its access log", CHANGE, |process| {
            admin.send(Request::new(Method::POST, "/reopen_logs"))?;
            Ok(process.log().lines().filter(|line| line.starts_with('{')).count() >= count)
        })?;
        Ok(self.access_log())
    }

    /// Reads the counters and gauges.
    ///
    /// # Errors
    /// If the admin interface does not respond.
    pub fn stats(&self) -> Result<Stats> {
        Stats::parse(&self.admin().get("/stats?format=json")?.json()?)
    }

    /// Waits until counters and gauges have these values; filters write counters periodically.
    ///
    /// # Errors
    /// If that takes longer than 30 seconds.
    pub fn wait_for_stats(&self, expected: &[(String, u64)]) -> Result<()> {
        let mut found = Vec::new();
        let waited = wait_until("counting", CHANGE, || {
            let stats = self.stats()?;
            found = expected.iter().map(|(name, _)| (name.clone(), stats.value(name))).collect();
            Ok(found == expected)
        });
        waited.with_context(|| format!("expected {expected:?}, found {found:?}"))
    }

    /// Returns the resident memory of Envoy in MiB. Linux only.
    ///
    /// # Errors
    /// If `/proc` cannot be read.
    pub fn memory(&self) -> Result<u64> {
        self.process.memory()
    }

    /// Reads the active configuration.
    ///
    /// # Errors
    /// If the admin interface does not respond.
    pub fn config_dump(&self) -> Result<Value> {
        self.admin().get("/config_dump")?.json()
    }

    /// Drains the listeners gracefully, so that active streams can complete.
    ///
    /// # Errors
    /// If the admin interface does not respond.
    pub fn drain(&self) -> Result<()> {
        self.admin().send(Request::new(Method::POST, "/drain_listeners?graceful"))?;
        Ok(())
    }

    /// Replaces the filters of the running Envoy and waits until they are active.
    ///
    /// # Errors
    /// If Envoy rejects them. The error contains Envoy's log.
    pub fn reconfigure(&mut self, filters: &[Filter]) -> Result<()> {
        let refused = self.change(filters)?;
        ensure!(!refused, "Envoy rejected the configuration:\n{}", self.log());
        Ok(())
    }

    /// Replaces the filters by ones that Envoy must reject, and returns what it logs.
    ///
    /// # Errors
    /// If Envoy accepts them.
    pub fn expect_rejection(&mut self, filters: &[Filter]) -> Result<String> {
        let before = self.log().len();
        let refused = self.change(filters)?;
        ensure!(refused, "Envoy accepted the configuration");
        let mut since = String::new();
        self.process.wait_until("logging the rejection", CHANGE, |process| {
            since = process.log().get(before..).unwrap_or_default().to_owned();
            Ok(since.contains(REFUSAL_LOGGED))
        })?;
        Ok(since)
    }

    /// Replaces the listener's file. Returns `true` if Envoy rejected it.
    fn change(&mut self, filters: &[Filter]) -> Result<bool> {
        let accepted = self.stats()?.value(ACCEPTED);
        let rejected = self.stats()?.value(REJECTED);
        let new = self.folder.path().join("listeners.new");
        fs::write(&new, self.options.listeners(filters)?.to_string())?;
        fs::rename(&new, self.folder.path().join("listeners.json"))?;
        let admin = self.admin();
        let mut refused = false;
        self.process.wait_until("deciding about the configuration", CHANGE, |_| {
            let stats = Stats::parse(&admin.get("/stats?format=json")?.json()?)?;
            refused = stats.value(REJECTED) > rejected;
            let taken = stats.value(ACCEPTED) > accepted && stats.value(WARMING) == 0;
            Ok(refused || taken)
        })?;
        Ok(refused)
    }
}

const ACCEPTED: &str = "listener_manager.lds.update_success";
const REJECTED: &str = "listener_manager.lds.update_rejected";
/// The last line that Envoy logs when it rejects a listener read from a file.
const REFUSAL_LOGGED: &str = "Filesystem config update rejected";
const WARMING: &str = "listener_manager.total_listeners_warming";
