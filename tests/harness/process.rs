//! A server that lives as long as its guard.

use std::{
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

/// How long a server may take to end after a polite signal.
const GRACE: Duration = Duration::from_secs(5);
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);
/// How much of the log is printed when a test fails, in bytes.
const TAIL: usize = 8 * 1024;

/// A running server in a process group of its own, detached from the caller's pipes.
///
/// Its output goes to a log file.
/// Dropping the guard ends the whole group, and prints the tail of the log if the test panics.
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
    /// When the log cannot be written or the program cannot be started.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        // Some servers open `/dev/stdout` once more, so only appending keeps what all have written.
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

    /// The process id, which is the id of its group too.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything the server has written so far, bytes that are not UTF-8 replaced.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until `ready` says yes.
    ///
    /// # Errors
    /// When the server ends, or `limit` passes, or `ready` fails; each with the tail of the log.
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
                Err(error) => return Err(error.context(self.report("could not be asked"))),
            }
            if let Some(status) = self.child.try_wait()? {
                bail!(self.report(&format!("ended ({status}) before {what}")));
            }
            if started.elapsed() > limit {
                bail!(self.report(&format!("was not {what} within {limit:?}")));
            }
            thread::sleep(POLL);
        }
    }

    /// Waits until the log holds `text`.
    ///
    /// # Errors
    /// As [`Process::wait_until`].
    pub fn wait_for_log(&mut self, text: &str, limit: Duration) -> Result<()> {
        self.wait_until(&format!("logging {text:?}"), limit, |server| {
            Ok(server.log().contains(text))
        })
    }

    /// Sends `signal` to the whole group.
    ///
    /// # Errors
    /// When the group is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process_group(Pid::from_child(&self.child), signal)
            .with_context(|| format!("cannot signal {}", self.name))
    }

    /// The memory that the whole group has in use (Linux), in MiB.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn memory(&self) -> Result<u64> {
        let mut kib = 0_u64;
        for entry in fs::read_dir("/proc")? {
            let folder = entry?.path();
            // A process may end meanwhile.
            let stat = fs::read_to_string(folder.join("stat")).unwrap_or_default();
            let group = stat.rsplit_once(')').and_then(|(_, rest)| rest.split(' ').nth(3));
            if group == Some(&self.id().to_string()) {
                kib = kib.saturating_add(resident(&folder).unwrap_or_default());
            }
        }
        Ok(kib >> 10)
    }

    /// Asks the server to end, waits, and ends it by force when it takes too long.
    ///
    /// # Errors
    /// When the system cannot tell how it ended.
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
        // Whatever the leader left behind in its group.
        let _ = self.signal(Signal::KILL);
    }
}

/// Waits until `ready` says yes, for conditions that belong to no single server.
///
/// # Errors
/// When `limit` passes or `ready` fails.
pub fn wait_until(
    what: &str,
    limit: Duration,
    mut ready: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let started = Instant::now();
    while !ready()? {
        if started.elapsed() > limit {
            bail!("not {what} within {limit:?}");
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// Reads a text file, naming it when that fails.
///
/// # Errors
/// When the file cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text)
}

/// What a process has in use, in KiB.
fn resident(process: &Path) -> Option<u64> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn tail(log: &str) -> &str {
    log.get(log.ceil_char_boundary(log.len().saturating_sub(TAIL))..).unwrap_or_default()
}
