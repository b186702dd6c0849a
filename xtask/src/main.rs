//! Builds modules and OCI images, and installs tools.
//!
//! A filter declares its callbacks and its maximum size in its `Cargo.toml`.

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
