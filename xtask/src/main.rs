//! Builds what cargo can't: modules fit to ship, OCI images, tools.
//!
//! It knows nothing about what a filter does.
//! A filter tells it two facts in its `Cargo.toml`: the callbacks it implements and the size it may have.

mod build;
mod cli;
mod command;
mod digest;
mod gate;
mod image;
mod push;
mod report;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cli::Cli::parse().task.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
