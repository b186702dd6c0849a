//! Child processes.

use std::io::ErrorKind;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Result, anyhow, bail};

/// Programs that no package registry provides, with the way to install them.
const CURES: &[(&str, &str)] = &[
    ("cargo", "install Rust with rustup: https://rustup.rs"),
    ("cc", "install a C compiler and linker, such as Debian's build-essential"),
    ("go", "install Go 1.26 or newer: https://go.dev/dl"),
    ("node", "install Node.js 20 or newer: https://nodejs.org"),
    ("npm", "install Node.js 20 or newer, which brings npm: https://nodejs.org"),
    ("python3", "install Python 3.9 or newer with pip: https://www.python.org"),
    ("rustc", "install Rust with rustup: https://rustup.rs"),
    ("rustup", "install Rust with rustup: https://rustup.rs"),
];

/// Runs a command and returns its stdout.
///
/// # Errors
/// Fails for a missing program, with the remedy, and for a failed command, with its output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| missing(command, &error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = [output.stdout, output.stderr].concat();
    bail!("{} failed:\n{}", line(command), String::from_utf8_lossy(&said).trim_end());
}

/// Runs a command in this terminal.
///
/// # Errors
/// Fails for a missing program, with the remedy.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().map_err(|error| missing(command, &error))
}

/// Checks that a program is installed, before minutes of work.
///
/// # Errors
/// Fails for a missing program, with the remedy.
pub(crate) fn require(program: &str) -> Result<()> {
    let version = if program == "go" { "version" } else { "--version" };
    output(Command::new(program).arg(version)).map(drop)
}

/// Returns the command line.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Returns the error of a command that did not start.
pub(crate) fn missing(command: &Command, error: &std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    let cure = CURES.iter().find(|(name, _)| *name == program);
    match cure {
        Some((_, cure)) if error.kind() == ErrorKind::NotFound => {
            anyhow!("`{program}` is not on the PATH: {cure}")
        }
        _ => anyhow!("`{program}` did not start: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_prerequisite_comes_with_its_cure() {
        let not_found = std::io::Error::from(ErrorKind::NotFound);
        let error = missing(&Command::new("go"), &not_found).to_string();
        assert_eq!(error, "`go` is not on the PATH: install Go 1.26 or newer: https://go.dev/dl");
    }

    #[test]
    fn a_failure_carries_what_the_command_said() {
        let error = output(Command::new("cargo").arg("--no-such-flag")).unwrap_err().to_string();
        assert!(error.starts_with("cargo --no-such-flag failed:\n"), "{error}");
        assert!(error.contains("unexpected argument"), "{error}");
    }
}
