//! Server processes that stop when their guard is dropped.

use std::{
    env,
    fs::{self, File},
    io::Read,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// Interval at which conditions are polled.
const POLL: Duration = Duration::from_millis(20);
/// Length of the log's tail in error messages, in bytes.
const TAIL: usize = 8 * 1024;

/// A server in its own process group, with its output in a log file.
///
/// Dropping this guard ends the whole group, and prints the tail of the log if the test panics.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output in the file `log`, whose folder must exist.
    ///
    /// # Errors
    /// If the log cannot be written or the program cannot be started.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        // Append mode, because some servers open `/dev/stdout` again and would overwrite the log.
        let output = File::options().append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}: {command:?}"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// Returns the process id, which is also the id of the process group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the output so far, with invalid UTF-8 replaced.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until `ready` returns `true`. `what` describes the condition in errors.
    ///
    /// # Errors
    /// If the server ends, `limit` expires or `ready` fails. The error contains the log's tail.
    pub fn wait_until(
        &mut self,
        what: &str,
        limit: Duration,
        mut ready: impl FnMut(&Self) -> Result<bool>,
    ) -> Result<()> {
        let started = Instant::now();
        loop {
            match ready(self) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => return Err(error.context(self.report("could not be checked"))),
            }
            if let Some(status) = self.child.try_wait()? {
                bail!(self.report(&format!("ended ({status}) before {what}")));
            }
            if started.elapsed() > limit {
                bail!(self.report(&format!("timed out after {limit:?}: {what}")));
            }
            thread::sleep(POLL);
        }
    }

    /// Waits until the log contains `text`.
    ///
    /// # Errors
    /// See [`Process::wait_until`].
    pub fn wait_for_log(&mut self, text: &str, limit: Duration) -> Result<()> {
        self.wait_until(&format!("logging {text:?}"), limit, |server| {
            Ok(server.log().contains(text))
        })
    }

    /// Sends a signal to the whole group.
    ///
    /// # Errors
    /// If the group no longer exists.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process_group(Pid::from_child(&self.child), signal)
            .with_context(|| format!("cannot signal {}", self.name))
    }

    /// Returns the resident memory of the whole group in MiB. Linux only.
    ///
    /// # Errors
    /// If `/proc` cannot be read.
    pub fn memory(&self) -> Result<u64> {
        let mut kib = 0_u64;
        for entry in fs::read_dir("/proc")? {
            let folder = entry?.path();
            // The process may have ended already.
            let stat = fs::read_to_string(folder.join("stat")).unwrap_or_default();
            let group = stat.rsplit_once(')').and_then(|(_, rest)| rest.split(' ').nth(3));
            if group == Some(&self.id().to_string()) {
                kib = kib.saturating_add(resident(&folder).unwrap_or_default());
            }
        }
        Ok(kib >> 10)
    }

    /// Stops the server with SIGTERM, or with SIGKILL after five seconds.
    ///
    /// # Errors
    /// If the exit status is not available.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        let _ = self.signal(Signal::TERM);
        let started = Instant::now();
        while started.elapsed() < GRACE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
        let _ = self.signal(Signal::KILL);
        Ok(self.child.wait()?)
    }

    fn report(&self, what: &str) -> String {
        format!("{} {what}; its log ends with:\n{}", self.name, tail(&self.log()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.report("was running when the test failed"));
        }
        let _ = self.stop();
        // Ends remaining processes of the group.
        let _ = self.signal(Signal::KILL);
    }
}

/// Waits until `ready` returns `true`. `what` describes the condition in errors.
///
/// # Errors
/// If `limit` expires or `ready` fails.
pub fn wait_until(
    what: &str,
    limit: Duration,
    mut ready: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let started = Instant::now();
    while !ready()? {
        if started.elapsed() > limit {
            bail!("timed out after {limit:?}: {what}");
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// Reads a text file.
///
/// # Errors
/// If the file cannot be read or is not UTF-8. The error contains the path.
pub fn read_text(path: &Path) -> Result<String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text)
}

/// Returns the path of a tool: the value of `variable`, or `name` on the `PATH`.
pub(crate) fn program(variable: &str, name: &str) -> PathBuf {
    env::var_os(variable).map_or_else(|| PathBuf::from(name), PathBuf::from)
}

/// Returns the error about a tool that cannot be started.
pub(crate) fn missing(variable: &str, name: &str) -> String {
    format!("{name} is not on the PATH: run `make tools`, or set {variable} to its path")
}

/// Returns the resident memory of a process in KiB.
fn resident(process: &Path) -> Option<u64> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn tail(log: &str) -> &str {
    log.get(log.ceil_char_boundary(log.len().saturating_sub(TAIL))..).unwrap_or_default()
}
