//! Child processes and their errors.

use std::io::ErrorKind;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Result, anyhow, bail};

/// Programs that must be installed by hand, and how.
const INSTALL_HINTS: &[(&str, &str)] = &[
    ("cargo", "install Rust with rustup: https://rustup.rs"),
    ("cc", "install a C compiler and linker, such as Debian's build-essential"),
    ("go", "install Go 1.26 or newer: https://go.dev/dl"),
    ("node", "install Node.js 20 or newer: https://nodejs.org"),
    ("npm", "install Node.js 20 or newer, which brings npm: https://nodejs.org"),
    ("python3", "install Python 3.9 or newer with pip: https://www.python.org"),
    ("rustc", "install Rust with rustup: https://rustup.rs"),
    ("rustup", "install Rust with rustup: https://rustup.rs"),
];

/// Runs a command. Returns its stdout.
///
/// # Errors
/// Fails if the program is missing, with a hint to install it, or if the command fails, with its
/// output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| spawn_error(command, &error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = [output.stdout, output.stderr].concat();
    bail!("{} failed:\n{}", line(command), String::from_utf8_lossy(&text).trim_end());
}

/// Runs a command with the standard streams of this process.
///
/// # Errors
/// Fails if the program is missing, with a hint to install it.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().map_err(|error| spawn_error(command, &error))
}

/// Checks that a program is installed, before a long task that needs it.
///
/// # Errors
/// Fails if the program is missing, with a hint to install it.
pub(crate) fn require(program: &str) -> Result<()> {
    let version = if program == "go" { "version" } else { "--version" };
    output(Command::new(program).arg(version)).map(drop)
}

/// Returns the command line.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Returns the error about a command that cannot be started.
pub(crate) fn spawn_error(command: &Command, error: &std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    let hint = INSTALL_HINTS.iter().find(|(name, _)| *name == program);
    match hint {
        Some((_, hint)) if error.kind() == ErrorKind::NotFound => {
            anyhow!("`{program}` is not on the PATH: {hint}")
        }
        Some(_) | None => anyhow!("`{program}` cannot be started: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_reported_with_a_hint() {
        let not_found = std::io::Error::from(ErrorKind::NotFound);
        let error = spawn_error(&Command::new("go"), &not_found).to_string();
        assert_eq!(error, "`go` is not on the PATH: install Go 1.26 or newer: https://go.dev/dl");
    }

    #[test]
    fn a_failure_contains_the_output_of_the_command() {
        let error = output(Command::new("cargo").arg("--no-such-flag")).unwrap_err().to_string();
        assert!(error.starts_with("cargo --no-such-flag failed:\n"), "{error}");
        assert!(error.contains("unexpected argument"), "{error}");
    }
}
