//! Child processes, whose failures are told in one sentence.

use std::io::ErrorKind;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Result, anyhow, bail};

/// Programs that a package registry can't give, and how a person gets them.
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

/// Runs a command to its end and returns what it printed on stdout.
///
/// # Errors
/// A program that is missing, with the cure; a failure, with all that the command said.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| missing(command, &error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = [output.stdout, output.stderr].concat();
    bail!("{} failed:\n{}", line(command), String::from_utf8_lossy(&said).trim_end());
}

/// Runs a command to its end with this terminal as its own.
///
/// # Errors
/// A program that is missing, with the cure.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().map_err(|error| missing(command, &error))
}

/// Says that a program is there, before minutes are spent on the way to it.
///
/// # Errors
/// A program that is missing, with the cure.
pub(crate) fn require(program: &str) -> Result<()> {
    let version = if program == "go" { "version" } else { "--version" };
    output(Command::new(program).arg(version)).map(drop)
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Says why a command didn't start.
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
