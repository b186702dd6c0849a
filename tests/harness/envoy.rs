//! A real Envoy, started through func-e.

use std::{
    env,
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use hyper::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    bootstrap::{Filter, Setup},
    client::{Client, Request},
    process::{Process, read_text},
    repository::root,
    stats::Stats,
};

/// The environment variable that says where func-e is instead of on the `PATH`.
pub const FUNC_E: &str = "WEIR_FUNC_E";

/// How long Envoy may take to compile every module and to listen.
const START: Duration = Duration::from_secs(60);
/// How long a change of configuration may take.
const CHANGE: Duration = Duration::from_secs(30);

/// A running Envoy, which ends with its guard.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    setup: Setup,
    admin: SocketAddr,
    ingress: SocketAddr,
    folder: TempDir,
}

impl Envoy {
    /// Starts Envoy and waits until it listens.
    ///
    /// # Errors
    /// When func-e or a module is missing, or Envoy refuses the configuration; with Envoy's log.
    pub fn start(setup: Setup) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("weir-envoy-").tempdir()?;
        let listeners = folder.path().join("listeners.json");
        fs::write(&listeners, setup.listeners(&setup.filters)?.to_string())?;
        let bootstrap = setup.bootstrap(&listeners.display().to_string())?;
        fs::write(folder.path().join("bootstrap.json"), bootstrap.to_string())?;
        let log = folder.path().join("envoy.log");
        let mut command = command(folder.path(), setup.concurrency)?;
        let mut process = Process::start("Envoy", &mut command, &log).with_context(missing)?;
        let admin = wait_for_admin(&mut process, folder.path())?;
        let ingress = wait_for_ingress(&mut process, admin)?;
        Ok(Self { process, setup, admin, ingress, folder })
    }

    /// Where requests come in.
    pub fn address(&self) -> SocketAddr {
        self.ingress
    }

    /// A client of the listener that speaks HTTP/1.1.
    pub fn http1(&self) -> Client {
        Client::http1(self.ingress)
    }

    /// A client of the listener that speaks HTTP/2.
    pub fn http2(&self) -> Client {
        Client::http2(self.ingress)
    }

    /// Where the admin interface is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// A client of the admin interface.
    pub fn admin(&self) -> Client {
        Client::http1(self.admin)
    }

    /// Everything Envoy has logged so far, access log included.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The access log: one JSON object per request.
    pub fn access_log(&self) -> Vec<Value> {
        let log = self.log();
        let lines = log.lines().filter(|line| line.starts_with('{'));
        lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until Envoy has logged `text`.
    ///
    /// # Errors
    /// When it does not within 30 seconds.
    pub fn wait_for_log(&mut self, text: &str) -> Result<()> {
        self.process.wait_for_log(text, CHANGE)
    }

    /// Waits until the access log has at least `count` lines, and returns them.
    ///
    /// # Errors
    /// When it does not within 30 seconds.
    pub fn wait_for_access_log(&mut self, count: usize) -> Result<Vec<Value>> {
        // Envoy writes its access log in batches; asking for a flush is quicker than its timer.
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
    /// When the admin interface does not answer.
    pub fn stats(&self) -> Result<Stats> {
        Stats::parse(&self.admin().get("/stats?format=json")?.json()?)
    }

    /// Reads the configuration that Envoy has in use.
    ///
    /// # Errors
    /// When the admin interface does not answer.
    pub fn config_dump(&self) -> Result<Value> {
        self.admin().get("/config_dump")?.json()
    }

    /// Stops accepting connections; streams that run may end.
    ///
    /// # Errors
    /// When the admin interface does not answer.
    pub fn drain(&self) -> Result<()> {
        self.admin().send(Request::new(Method::POST, "/drain_listeners?graceful"))?;
        Ok(())
    }

    /// Replaces the filters while Envoy runs, and waits until it uses them.
    ///
    /// # Errors
    /// When Envoy refuses them; with Envoy's log.
    pub fn reconfigure(&mut self, filters: &[Filter]) -> Result<()> {
        let refused = self.change(filters)?;
        if refused {
            bail!("Envoy refused the configuration:\n{}", self.log());
        }
        Ok(())
    }

    /// Replaces the filters by ones that Envoy is expected to refuse, and waits for the refusal.
    ///
    /// # Errors
    /// When Envoy accepts them.
    pub fn refuses(&mut self, filters: &[Filter]) -> Result<()> {
        let refused = self.change(filters)?;
        if !refused {
            bail!("Envoy accepted the configuration");
        }
        Ok(())
    }

    /// Renames a new listener into place and tells whether it was refused.
    fn change(&mut self, filters: &[Filter]) -> Result<bool> {
        let accepted = self.stats()?.value(ACCEPTED);
        let rejected = self.stats()?.value(REJECTED);
        let new = self.folder.path().join("listeners.new");
        fs::write(&new, self.setup.listeners(filters)?.to_string())?;
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
const WARMING: &str = "listener_manager.total_listeners_warming";

/// The pinned version of Envoy, from `envoy/version`.
///
/// # Errors
/// When the file cannot be read.
pub fn version() -> Result<String> {
    Ok(read_text(&root().join("envoy/version"))?.trim().to_owned())
}

/// Asks Envoy whether it would start with the file `bootstrap`, paths being below `folder`.
///
/// # Errors
/// When it would not; with what Envoy says.
pub fn validate(bootstrap: &Path, folder: &Path) -> Result<()> {
    let state = tempfile::tempdir()?;
    let mut command = func_e(state.path())?;
    command.args(["--mode", "validate", "--config-path"]).arg(bootstrap).current_dir(folder);
    let output = command.output().with_context(missing)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "Envoy would not start:\n{said}");
    Ok(())
}

/// `func-e run` with the pinned Envoy and its own files in `folder`.
fn func_e(folder: &Path) -> Result<Command> {
    let program = env::var_os(FUNC_E).unwrap_or_else(|| OsString::from("func-e"));
    let mut command = Command::new(program);
    command
        .env("ENVOY_VERSION", version()?)
        .env("FUNC_E_RUN_ID", "weir")
        .env("FUNC_E_STATE_HOME", folder.join("state"))
        .env("FUNC_E_RUNTIME_DIR", folder.join("runtime"))
        .arg("run");
    Ok(command)
}

fn command(folder: &Path, concurrency: u32) -> Result<Command> {
    let mut command = func_e(folder)?;
    command
        .arg("--config-path")
        .arg(folder.join("bootstrap.json"))
        .arg("--admin-address-path")
        .arg(admin_path(folder))
        .args(["--concurrency", &concurrency.to_string()])
        // Several Envoys on one machine would otherwise share memory.
        .arg("--disable-hot-restart")
        // A drain that is quick enough for tests.
        .args(["--drain-time-s", "3", "--parent-shutdown-time-s", "4"])
        .args(["--log-level", "info", "--component-log-level", "wasm:debug"]);
    Ok(command)
}

fn missing() -> String {
    format!("func-e is not on the PATH: run `make tools`, or set {FUNC_E} to the program")
}

fn admin_path(folder: &Path) -> PathBuf {
    folder.join("admin-address")
}

fn wait_for_admin(process: &mut Process, folder: &Path) -> Result<SocketAddr> {
    let mut address = None;
    process.wait_until("writing its admin address", START, |_| {
        let text = fs::read_to_string(admin_path(folder)).unwrap_or_default();
        address = text.trim().parse().ok();
        Ok(address.is_some())
    })?;
    address.context("no admin address")
}

fn wait_for_ingress(process: &mut Process, admin: SocketAddr) -> Result<SocketAddr> {
    let admin = Client::http1(admin);
    let mut address = None;
    process.wait_until("listening", START, |_| {
        if !admin.get("/ready").is_ok_and(|answer| answer.status == 200) {
            return Ok(false);
        }
        let stats = Stats::parse(&admin.get("/stats?format=json")?.json()?)?;
        ensure!(stats.value(REJECTED) == 0, "Envoy refused the listener");
        address = ingress(&admin)?;
        Ok(address.is_some())
    })?;
    address.context("no listener")
}

fn ingress(admin: &Client) -> Result<Option<SocketAddr>> {
    let listeners = admin.get("/listeners?format=json")?.json()?;
    let socket = listeners.pointer("/listener_statuses/0/local_address/socket_address");
    let Some(socket) = socket else { return Ok(None) };
    let part = |name| socket.get(name).context("no socket address");
    let ip = part("address")?.as_str().unwrap_or_default();
    let port = part("port_value")?.to_string();
    Ok(Some(format!("{ip}:{port}").parse()?))
}
