//! Starts the servers of the mesh so that none of them outlives the tests.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use anyhow::{Context, Result};
use tests::process::Process;

use crate::tools::Tools;

/// Collects process groups from its input, whose end means that the tests are gone.
const REAPER: &str =
    r#"while read -r group; do groups="$groups -$group"; done; exec kill -KILL -- $groups"#;

/// Starts servers with their logs in one folder.
///
/// A guard ends its server when the test ends or panics.
/// A test that is ended by a signal drops no guard, so a shell in a process group of its own waits
/// for that and ends the servers then.
#[derive(Debug)]
pub(super) struct Launcher {
    pub(super) tools: Tools,
    pub(super) folder: PathBuf,
    reaper: Child,
    pipe: ChildStdin,
}

impl Launcher {
    /// Will start the programs in `tools` with their files in `folder`.
    ///
    /// # Errors
    /// When there is no shell.
    pub(super) fn new(tools: Tools, folder: &Path) -> Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", REAPER]).process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut reaper = shell.spawn().context("cannot start sh")?;
        let pipe = reaper.stdin.take().context("sh has no standard input")?;
        Ok(Self { tools, folder: folder.to_owned(), reaper, pipe })
    }

    /// Makes an empty folder that belongs to the server `name`.
    ///
    /// # Errors
    /// When that is not possible.
    pub(super) fn home(&self, name: &str) -> Result<PathBuf> {
        let home = self.folder.join(name);
        std::fs::create_dir_all(&home)
            .with_context(|| format!("cannot create {}", home.display()))?;
        Ok(home)
    }

    /// Writes a file for a server.
    ///
    /// # Errors
    /// When that is not possible.
    pub(super) fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, content)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Starts the server `name`, which logs to `<name>.log`.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(super) fn start(&self, name: &str, command: &mut Command) -> Result<Process> {
        let log = self.folder.join(format!("{name}.log"));
        let process = Process::start(name, command, &log)?;
        writeln!(&self.pipe, "{}", process.id()).context("the reaper is gone")?;
        Ok(process)
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // The guards have ended the servers; their numbers may belong to others by now.
        let _ = self.reaper.kill();
        let _ = self.reaper.wait();
    }
}
