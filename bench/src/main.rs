//! Measures the CPU time that each filter adds to a request, next to Envoy's native filters.
//!
//! Each variant runs in its own Envoy with one worker and a route with a direct response.
//! In each round every variant gets the same load for the same time, one after another and in a new
//! order, so that noise on the machine affects all of them alike. The table shows medians over the
//! rounds of CPU time per request, as accounted by the kernel.
//!
//! Rows of the README and chains are measured in more detail: latency at a fixed rate, start-up
//! and memory.
#![allow(clippy::print_stdout)]

mod footprint;
mod load;
mod machine;
mod options;
mod process;
mod proxy;
mod report;
mod results;
mod run;
mod series;
mod statistics;
mod table;
mod variants;

use std::{fs, path::Path};

use anyhow::{Context, Result};
use clap::Parser;
use tests::repository;

use crate::{
    options::{Options, Task},
    results::Results,
    table::Table,
};

fn main() -> Result<()> {
    let options = Options::parse();
    let json = &options.json;
    match options.task {
        Some(Task::Report) => report::write(&read(json)?, repository::root()),
        None => {
            let results = run::run(&options.variants()?, options.load()?)?;
            print!("{}", Table(&results));
            write(json, &results)
        }
    }
}

fn read(json: &Path) -> Result<Results> {
    let text = fs::read_to_string(json)
        .with_context(|| format!("no results in {}: run `make bench`", json.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} has another format", json.display()))
}

fn write(json: &Path, results: &Results) -> Result<()> {
    if let Some(folder) = json.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = format!("{}\n", serde_json::to_string_pretty(results)?);
    fs::write(json, text).with_context(|| format!("cannot write {}", json.display()))
}
