//! A real Redis without persistence.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::process::{self, Process};

/// Environment variable with the path of Redis. Default: `redis-server` on the `PATH`.
const REDIS: &str = "WEIR_REDIS_SERVER";
/// Timeout until it is ready.
const START: Duration = Duration::from_secs(30);

/// A running Redis on a Unix socket. It stops when this value is dropped.
#[derive(Debug)]
pub(super) struct Redis {
    process: Process,
    socket: PathBuf,
}

impl Redis {
    /// Starts Redis with its socket and its log in `folder`.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let socket = folder.join("redis.sock");
        let mut command = Command::new(process::program(REDIS, "redis-server"));
        command
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(folder);
        let mut process = Process::start("Redis", &mut command, &folder.join("redis.log"))
            .with_context(|| process::missing(REDIS, "redis-server"))?;
        process.wait_for_log("ready to accept connections", START)?;
        Ok(Self { process, socket })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        self.process.signal(signal)
    }
}
