//! Command line.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

use crate::{
    results::Load,
    variants::{self, Variant},
};

/// Measures CPU microseconds per request of Weir's filters and of Envoy's native ones, in one run.
///
/// Run it on a quiet machine with at least two cores: one for Envoy, one for the load.
/// A difference smaller than the spread is noise.
#[derive(Debug, Parser)]
#[command(name = "bench", after_help = "Example: cargo run --release -p bench -- --only RS256")]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
    /// Number of measurements of each variant.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Length of each measurement, in milliseconds.
    #[arg(long, default_value_t = 1000)]
    millis: u64,
    /// Number of starts of each Envoy whose start-up time and memory are measured.
    #[arg(long, default_value_t = 3)]
    starts: usize,
    /// Number of keep-alive connections that carry the load.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Requests per second for latencies; 0 measures only CPU time.
    #[arg(long, default_value_t = 2000)]
    rate: u32,
    /// Measures only variants whose name contains this text; the baselines are always measured.
    #[arg(long)]
    only: Option<String>,
    /// Measures only chains and the rows of README.md.
    #[arg(long, conflicts_with = "only")]
    readme: bool,
    /// Folder with older modules (`jwt_auth.wasm`, ...) to compare with. Each row is measured with
    /// both modules, one right after the other; without `--only`, only a few typical rows.
    #[arg(long)]
    before: Option<PathBuf>,
    /// File with the results: written by a run, read by `report`.
    #[arg(long, global = true, default_value = "target/bench.json")]
    pub(crate) json: PathBuf,
}

/// A task other than a run.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Writes the table in README.md and bench/results from the results of a run.
    Report,
}

impl Options {
    /// Returns the load of each measurement.
    ///
    /// # Errors
    ///
    /// Fails if the number of rounds or of connections is 0.
    pub(crate) fn load(&self) -> Result<Load> {
        ensure!(self.rounds > 0, "--rounds must be at least 1");
        ensure!(self.starts > 0, "--starts must be at least 1");
        ensure!(self.connections > 0, "--connections must be at least 1");
        Ok(Load {
            rounds: self.rounds,
            millis: self.millis,
            starts: self.starts,
            connections: self.connections,
            rate: self.rate,
        })
    }

    /// Returns the rows to measure, each followed by the same row with the older module.
    ///
    /// A row whose module is not built is skipped.
    ///
    /// # Errors
    ///
    /// Fails if no row has an older module in `--before`.
    pub(crate) fn variants(&self) -> Result<Vec<Variant>> {
        let mut chosen = Vec::new();
        let mut twins = 0_usize;
        for variant in self.chosen()? {
            if let Some(module) = variant.modules().find(|module| !module.exists()) {
                eprintln!("skipped `{}`: {} is not built", variant.name, module.display());
                continue;
            }
            let twin = match &self.before {
                Some(folder) => variant.with_modules_in(folder)?,
                None => None,
            };
            twins = twins.saturating_add(usize::from(twin.is_some()));
            chosen.push(variant);
            chosen.extend(twin);
        }
        ensure!(self.before.is_none() || twins > 0, "no row has a module in the folder --before");
        Ok(chosen)
    }

    /// Returns the chosen rows, and the rows without filters that these are compared with.
    fn chosen(&self) -> Result<Vec<Variant>> {
        let wanted = |variant: &Variant| match (&self.only, &self.before) {
            _ if self.readme => variant.is_detailed(),
            (Some(only), _) => variant.name.contains(only),
            (None, Some(_)) => variant.is_compared(),
            (None, None) => true,
        };
        let mut all = variants::all()?;
        let floors: Vec<&str> = all.iter().filter(|one| wanted(one)).map(|one| one.floor).collect();
        all.retain(|one| one.is_baseline() || wanted(one) || floors.contains(&one.name.as_str()));
        Ok(all)
    }
}
