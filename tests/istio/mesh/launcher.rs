//! Start of the servers of the mesh, with a guarantee that none outlives the tests.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use anyhow::{Context, Result};
use tests::process::Process;

use crate::tools::Tools;

/// Reads process group ids from its input, and kills the groups when the input is closed.
const REAPER: &str =
    r#"while read -r group; do groups="$groups -$group"; done; exec kill -KILL -- $groups"#;

/// Starts servers with their logs in one folder.
///
/// Guards stop the servers when the test ends or panics. If the test is killed by a signal, no
/// guard is dropped. Then a shell in another process group kills the servers.
#[derive(Debug)]
pub(super) struct Launcher {
    pub(super) tools: Tools,
    pub(super) folder: PathBuf,
    reaper: Child,
    pipe: ChildStdin,
}

impl Launcher {
    /// Creates a launcher for the programs in `tools` with files in `folder`.
    ///
    /// # Errors
    /// If `sh` cannot be started.
    pub(super) fn new(tools: Tools, folder: &Path) -> Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", REAPER]).process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut reaper = shell.spawn().context("cannot start sh")?;
        let pipe = reaper.stdin.take().context("sh has no standard input")?;
        Ok(Self { tools, folder: folder.to_owned(), reaper, pipe })
    }

    /// Creates a folder for the server `name`.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub(super) fn home(&self, name: &str) -> Result<PathBuf> {
        let home = self.folder.join(name);
        std::fs::create_dir_all(&home)
            .with_context(|| format!("cannot create {}", home.display()))?;
        Ok(home)
    }

    /// Writes a file for a server.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, content)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Starts the server `name`, which logs to `<name>.log`.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub(super) fn start(&self, name: &str, command: &mut Command) -> Result<Process> {
        let log = self.folder.join(format!("{name}.log"));
        let process = Process::start(name, command, &log)?;
        writeln!(&self.pipe, "{}", process.id()).context("the reaper is gone")?;
        Ok(process)
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // The guards have stopped the servers, so their group ids may already be reused.
        let _ = self.reaper.kill();
        let _ = self.reaper.wait();
    }
}
