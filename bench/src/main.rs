//! Measures the CPU time that each filter adds to a request, next to Envoy's native filters.
//!
//! Each variant runs in its own Envoy with one worker and a route with a direct response.
//! In each round every variant gets the same load for the same time, one after another and in a new
//! order, so that noise on the machine affects all of them alike. The table shows medians over the
//! rounds of CPU time per request, as accounted by the kernel.
#![allow(clippy::print_stdout)]

mod cpu;
mod load;
mod proxy;
mod table;
mod variants;

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use clap::Parser;
use tests::fake_collector::{Behaviour, FakeCollector};

use crate::{proxy::Proxy, table::Samples, variants::Variant};

/// Measures CPU microseconds per request of Weir's filters and of Envoy's native ones, in one run.
///
/// Run it on a quiet machine with at least two cores: one for Envoy, one for the load.
/// A difference smaller than the spread in the last column is noise.
#[derive(Debug, Parser)]
#[command(name = "bench", after_help = "Example: cargo run --release -p bench -- --only RS256")]
struct Options {
    /// Number of measurements of each variant.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Length of each measurement, in milliseconds.
    #[arg(long, default_value_t = 1000)]
    millis: u64,
    /// Number of keep-alive connections that carry the load.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Measures only variants whose name contains this text; the baselines are always measured.
    #[arg(long)]
    only: Option<String>,
    /// Folder with older modules (`jwt_auth.wasm`, ...) to compare with. Each row is measured with
    /// both modules, one right after the other; without `--only`, only a few typical rows.
    #[arg(long)]
    before: Option<PathBuf>,
}

impl Options {
    /// Returns the rows to measure, each followed by the same row with the older module.
    fn variants(&self) -> Result<Vec<Variant>> {
        let wanted = |variant: &Variant| match (&self.only, &self.before) {
            (Some(only), _) => variant.name.contains(only),
            (None, Some(_)) => variant.is_compared(),
            (None, None) => true,
        };
        let mut chosen = Vec::new();
        let mut twins = 0_usize;
        let all = variants::all()?;
        let floors: Vec<&str> = all.iter().filter(|one| wanted(one)).map(|one| one.floor).collect();
        let needed =
            |one: &Variant| one.is_baseline() || wanted(one) || floors.contains(&one.name.as_str());
        for variant in all.into_iter().filter(needed) {
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
}

fn main() -> Result<()> {
    let options = Options::parse();
    ensure!(options.rounds > 0, "--rounds must be at least 1");
    let variants = options.variants()?;
    println!("starting {} Envoys with one worker each", variants.len());
    // Accepts every span and stores none.
    let taken = vec![("grpc-status".to_owned(), "0".to_owned())];
    let collector = FakeCollector::start(Behaviour::Grpc(taken))?;
    let start = |variant| Proxy::start(variant, collector.address());
    let proxies: Vec<Proxy> = variants.iter().map(start).collect::<Result<_>>()?;
    let mut samples = Samples::new(&variants);
    let time = Duration::from_millis(options.millis);
    let mut order: Vec<usize> = (0..variants.len()).collect();
    for round in 0..=options.rounds {
        for &index in &order {
            let (Some(variant), Some(proxy)) = (variants.get(index), proxies.get(index)) else {
                continue;
            };
            let figure = measure(variant, proxy, options.connections, time)?;
            // The first round warms up caches and code.
            if round > 0 {
                samples.add(index, figure);
            }
        }
        // Each round starts one variant later than the one before.
        order.rotate_left(1);
        eprint!("\rround {round} of {}", options.rounds);
    }
    eprintln!();
    print!("{samples}");
    Ok(())
}

/// Returns the average CPU microseconds per request over one load.
fn measure(variant: &Variant, proxy: &Proxy, connections: usize, time: Duration) -> Result<f64> {
    let before = cpu::used(proxy.id())?;
    let requests = load::run(proxy.address(), &variant.headers, connections, time)?;
    let after = cpu::used(proxy.id())?;
    ensure!(requests > 0, "{}: no request was answered", variant.name);
    Ok(after.saturating_sub(before).as_secs_f64() * 1e6 / requests as f64)
}
