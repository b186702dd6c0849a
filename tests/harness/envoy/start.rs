//! Start of Envoy.

use std::{
    env,
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{REFUSAL_LOGGED, REJECTED};
use crate::{
    bootstrap::{Drain, EnvoyOptions},
    client::Client,
    process::{Process, read_text},
    repository::root,
    stats::Stats,
};

/// Environment variable with the path of func-e. Default: `func-e` on the `PATH`.
pub const FUNC_E: &str = "WEIR_FUNC_E";

/// Timeout until Envoy has compiled all modules and listens.
const START: Duration = Duration::from_secs(60);

/// Returns the pinned version of Envoy, from `envoy/version`.
///
/// # Errors
/// If the file cannot be read.
pub fn version() -> Result<String> {
    Ok(read_text(&root().join("envoy/version"))?.trim().to_owned())
}

/// Validates the file `bootstrap` with Envoy, with `folder` as the working directory.
///
/// # Errors
/// If the bootstrap is invalid. The error contains Envoy's output.
pub fn validate(bootstrap: &Path, folder: &Path) -> Result<()> {
    let state = tempfile::tempdir()?;
    let mut command = func_e(state.path())?;
    command.args(["--mode", "validate", "--config-path"]).arg(bootstrap).current_dir(folder);
    let output = command.output().with_context(missing)?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "Envoy rejects the bootstrap:\n{stderr}");
    Ok(())
}

/// Returns the command `func-e run` with the pinned Envoy and func-e's files in `folder`.
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

/// Returns the command that runs Envoy with the bootstrap in `folder`.
pub(super) fn command(folder: &Path, options: &EnvoyOptions) -> Result<Command> {
    let (strategy, seconds) = match options.drain {
        Drain::Gradual(seconds) => ("gradual", seconds),
        Drain::Immediate(seconds) => ("immediate", seconds),
    };
    let mut command = func_e(folder)?;
    command
        .arg("--config-path")
        .arg(folder.join("bootstrap.json"))
        .arg("--admin-address-path")
        .arg(admin_path(folder))
        .args(["--concurrency", &options.concurrency.to_string()])
        // Otherwise all Envoys on the machine would use the same shared memory.
        .arg("--disable-hot-restart")
        .args(["--drain-strategy", strategy, "--drain-time-s", &seconds.to_string()])
        .args(["--parent-shutdown-time-s", &seconds.saturating_add(1).to_string()])
        .args(["--log-level", "info", "--component-log-level", "wasm:debug"]);
    Ok(command)
}

/// Returns the error message for a missing func-e.
pub(super) fn missing() -> String {
    format!("func-e is not on the PATH: run `make tools`, or set {FUNC_E} to its path")
}

fn admin_path(folder: &Path) -> PathBuf {
    folder.join("admin-address")
}

/// Waits until Envoy has written the address of its admin interface.
pub(super) fn wait_for_admin(process: &mut Process, folder: &Path) -> Result<SocketAddr> {
    let mut address = None;
    process.wait_until("writing its admin address", START, |_| {
        let text = fs::read_to_string(admin_path(folder)).unwrap_or_default();
        address = text.trim().parse().ok();
        Ok(address.is_some())
    })?;
    address.context("no admin address")
}

/// Waits until Envoy accepts requests and returns the listener's address.
pub(super) fn wait_for_ingress(process: &mut Process, admin: SocketAddr) -> Result<SocketAddr> {
    let admin = Client::http1(admin);
    let mut address = None;
    process.wait_until("listening", START, |process| {
        if !admin.get("/ready").is_ok_and(|response| response.status == 200) {
            return Ok(false);
        }
        let stats = Stats::parse(&admin.get("/stats?format=json")?.json()?)?;
        if stats.value(REJECTED) > 0 {
            // Wait for the log, which contains the reason.
            ensure!(!process.log().contains(REFUSAL_LOGGED), "Envoy rejected the listener");
            return Ok(false);
        }
        address = ingress(&admin)?;
        Ok(address.is_some())
    })?;
    address.context("no listener")
}

/// Returns the address of the first listener. `None` if there is none yet.
fn ingress(admin: &Client) -> Result<Option<SocketAddr>> {
    let listeners = admin.get("/listeners?format=json")?.json()?;
    let socket = listeners.pointer("/listener_statuses/0/local_address/socket_address");
    let Some(socket) = socket else { return Ok(None) };
    let part = |name| socket.get(name).context("no socket address");
    let ip = part("address")?.as_str().unwrap_or_default();
    let port = part("port_value")?.to_string();
    Ok(Some(format!("{ip}:{port}").parse()?))
}
