//! A real envoyproxy/ratelimit with Redis.

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{Limits, redis::Redis};
use crate::{
    client::{Client, Request},
    grpc,
    ports::Reserved,
    process::{self, Process},
};

/// Environment variable with the path of ratelimit. Default: `ratelimit` on the `PATH`.
const RATELIMIT: &str = "WEIR_RATELIMIT";
/// Timeout until it is ready.
const START: Duration = Duration::from_secs(30);
/// Health check of gRPC, with the name of the service in field 1 of its message.
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";
const HEALTH_REQUEST: &[u8] = b"\x0a\x09ratelimit";
/// The status SERVING in field 1.
const SERVING: &[u8] = &[8, 1];

/// A running envoyproxy/ratelimit. It and its Redis stop when this value is dropped.
///
/// It also counts requests that it rejects. A request for a descriptor without a limit is allowed.
#[derive(Debug)]
pub struct RatelimitService {
    process: Process,
    redis: Redis,
    settings: Vec<(String, String)>,
    ports: Ports,
    folder: TempDir,
}

/// The ports, which the service binds with `SO_REUSEPORT`.
#[derive(Debug)]
struct Ports {
    grpc: Reserved,
    http: Reserved,
    debug: Reserved,
}

impl RatelimitService {
    /// Starts the service on a free port.
    ///
    /// # Errors
    /// If ratelimit or Redis is not installed, or the service rejects the limits.
    pub fn start(limits: &Limits) -> Result<Self> {
        Self::start_with(limits, &[])
    }

    /// Starts the service with environment variables, which are its settings, such as
    /// `("LIMIT_RESPONSE_HEADERS_ENABLED", "true")`.
    ///
    /// # Errors
    /// If ratelimit or Redis is not installed, or the service rejects the limits.
    pub fn start_with(limits: &Limits, settings: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("weir-ratelimit-").tempdir()?;
        fs::create_dir(folder.path().join("config"))?;
        let configuration = limits.ratelimit().to_string();
        fs::write(folder.path().join("config/limits.yaml"), configuration)?;
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let settings: Vec<_> = settings.iter().map(owned).collect();
        let redis = Redis::start(folder.path())?;
        let ports =
            Ports { grpc: Reserved::new()?, http: Reserved::new()?, debug: Reserved::new()? };
        let process = run(folder.path(), &redis, &ports, &settings)?;
        Ok(Self { process, redis, settings, ports, folder })
    }

    /// Returns the address of the service.
    pub fn address(&self) -> SocketAddr {
        self.ports.grpc.address()
    }

    /// Returns the log of the service.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Sends a signal to the service: KILL ends it, STOP lets it hang and CONT continues it.
    ///
    /// # Errors
    /// If the service does not run.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.process.signal(signal)
    }

    /// Sends a signal to Redis.
    ///
    /// # Errors
    /// If Redis does not run.
    pub fn signal_redis(&self, signal: Signal) -> Result<()> {
        self.redis.signal(signal)
    }

    /// Stops the service if it runs, and starts it at the same address. Counts stay in Redis.
    ///
    /// # Errors
    /// If the service does not start.
    pub fn restart(&mut self) -> Result<()> {
        self.resume();
        self.process.stop()?;
        self.process = run(self.folder.path(), &self.redis, &self.ports, &self.settings)?;
        Ok(())
    }
}

impl RatelimitService {
    /// Continues stopped processes, which would not end before SIGKILL.
    fn resume(&self) {
        let _ = self.signal(Signal::CONT);
        let _ = self.signal_redis(Signal::CONT);
    }
}

impl Drop for RatelimitService {
    fn drop(&mut self) {
        self.resume();
    }
}

fn run(
    folder: &Path,
    redis: &Redis,
    ports: &Ports,
    settings: &[(String, String)],
) -> Result<Process> {
    let mut command = Command::new(process::program(RATELIMIT, "ratelimit"));
    for (name, address) in [("GRPC_", &ports.grpc), ("", &ports.http), ("DEBUG_", &ports.debug)] {
        let address = address.address();
        command.env(format!("{name}HOST"), address.ip().to_string());
        command.env(format!("{name}PORT"), address.port().to_string());
    }
    command
        .env("REDIS_SOCKET_TYPE", "unix")
        .env("REDIS_URL", redis.socket())
        .env("RUNTIME_ROOT", folder)
        .env("RUNTIME_WATCH_ROOT", "false")
        .env("HEALTHY_WITH_AT_LEAST_ONE_CONFIG_LOADED", "true")
        .env("USE_STATSD", "false")
        .env("DISABLE_STATS", "true")
        .envs(settings.iter().cloned());
    let mut process = Process::start("ratelimit", &mut command, &folder.join("ratelimit.log"))
        .with_context(|| process::missing(RATELIMIT, "ratelimit"))?;
    let client = Client::http2(ports.grpc.address());
    process.wait_until("serving", START, |_| {
        let request = Request::grpc(HEALTH_CHECK).body(&grpc::frame(HEALTH_REQUEST));
        let response = client.send(request);
        Ok(response.is_ok_and(|response| grpc::unframe(&response.body) == Some(SERVING)))
    })?;
    Ok(process)
}
