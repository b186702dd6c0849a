//! Measures what each filter adds to a request, beside Envoy's own filter for the same work.
//!
//! Every variant is an Envoy process of its own with one worker and a route that answers by itself.
//! In each round every variant gets the same load for the same time, one after the other and in a
//! new order, so that a disturbance of the machine hits all alike; the table shows medians over the
//! rounds of the CPU time that the variant's process took per request, as the kernel accounts it.
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
/// A difference smaller than the spread in the last column is not a finding.
#[derive(Debug, Parser)]
#[command(name = "bench", after_help = "Example: cargo run --release -p bench -- --only RS256")]
struct Options {
    /// How often each variant is measured.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// How long each measurement takes, in milliseconds.
    #[arg(long, default_value_t = 1000)]
    millis: u64,
    /// How many keep-alive connections carry the load.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Measures only variants whose name contains this text; the floors are always measured.
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
        for variant in variants::all()?.into_iter().filter(|one| one.is_floor() || wanted(one)) {
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
    // It takes every span, and keeps none.
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
            // The first round warms caches and code up.
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

/// The CPU microseconds that one request took, on average over one load.
fn measure(variant: &Variant, proxy: &Proxy, connections: usize, time: Duration) -> Result<f64> {
    let before = cpu::used(proxy.id())?;
    let requests = load::run(proxy.address(), &variant.headers, connections, time)?;
    let after = cpu::used(proxy.id())?;
    ensure!(requests > 0, "{}: no request was answered", variant.name);
    Ok(after.saturating_sub(before).as_secs_f64() * 1e6 / requests as f64)
}
