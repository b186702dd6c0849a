//! A run: starts an Envoy per row and measures them in turn.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tests::fake_collector::{Behaviour, FakeCollector};

use crate::{
    footprint, load, machine, process,
    proxy::Proxy,
    results::{Load, Results},
    series::{self, Series},
    variants::Variant,
};

/// Measures all rows under this load.
///
/// # Errors
///
/// Fails if Envoy does not start or refuses a request.
pub(crate) fn run(variants: &[Variant], load: Load) -> Result<Results> {
    // Accepts every span and stores none.
    let taken = vec![("grpc-status".to_owned(), "0".to_owned())];
    let collector = FakeCollector::start(Behaviour::Grpc(taken))?;
    let mut all: Vec<Series> = variants.iter().map(empty_series).collect::<Result<_>>()?;
    if load.rate > 0 {
        measure_footprints(variants, &mut all, collector.address(), &load)?;
    }
    measure_rounds(variants, &mut all, collector.address(), &load)?;
    Ok(Results {
        machine: machine::machine()?,
        versions: machine::versions()?,
        modules: modules(variants)?,
        rows: series::rows(&all),
        goals: series::goals(&all),
        load,
    })
}

fn empty_series(variant: &Variant) -> Result<Series> {
    let modules: BTreeSet<&Path> = variant.modules().collect();
    let mut module_bytes = 0u64;
    for module in modules {
        module_bytes = module_bytes.saturating_add(size(module)?);
    }
    Ok(Series {
        name: variant.name.clone(),
        floor: variant.floor.to_owned(),
        before: variant.name_before(),
        module_bytes,
        ..Series::default()
    })
}

/// Returns the sizes of all modules.
fn modules(variants: &[Variant]) -> Result<BTreeMap<String, u64>> {
    let modules = variants.iter().flat_map(Variant::modules);
    let named = modules.filter_map(|path| Some((path, path.file_name()?.to_string_lossy())));
    named.map(|(path, name)| Ok((name.into_owned(), size(path)?))).collect()
}

fn size(module: &Path) -> Result<u64> {
    let metadata = fs::metadata(module);
    Ok(metadata.with_context(|| format!("cannot read {}", module.display()))?.len())
}

/// Measures start-up and memory, before the other Envoys run.
fn measure_footprints(
    variants: &[Variant],
    all: &mut [Series],
    collector: SocketAddr,
    load: &Load,
) -> Result<()> {
    for (variant, series) in variants.iter().zip(all).filter(|(variant, _)| variant.is_detailed()) {
        eprintln!("start-up and memory: {}", variant.name);
        series.footprint = Some(footprint::measure(variant, collector, load.starts)?);
    }
    Ok(())
}

/// A row, its running Envoy, and its figures.
struct Subject<'a> {
    variant: &'a Variant,
    proxy: Proxy,
    series: &'a mut Series,
}

/// Measures the CPU time of all rows in turn, then the latency of the detailed ones.
fn measure_rounds(
    variants: &[Variant],
    all: &mut [Series],
    collector: SocketAddr,
    load: &Load,
) -> Result<()> {
    eprintln!("starting {} Envoys with one worker each", variants.len());
    let start = |(variant, series)| {
        Ok(Subject { variant, proxy: Proxy::start(variant, collector, 1)?, series })
    };
    let mut subjects: Vec<Subject<'_>> =
        variants.iter().zip(all).map(start).collect::<Result<_>>()?;
    take_turns("CPU time", &mut subjects, load, |subject, is_counted| {
        let micros = cpu_micros(subject, load)?;
        subject.series.cpu.extend(is_counted.then_some(micros));
        Ok(())
    })?;
    subjects.retain(|subject| subject.variant.is_detailed() && load.rate > 0);
    take_turns("latency", &mut subjects, load, |subject, is_counted| {
        let latencies = latencies(subject, load)?;
        subject.series.add_latencies(if is_counted { latencies } else { Vec::new() });
        Ok(())
    })
}

/// Measures every subject once per round, and in a first round that is not counted.
fn take_turns(
    figure: &str,
    subjects: &mut [Subject<'_>],
    load: &Load,
    mut measure: impl FnMut(&mut Subject<'_>, bool) -> Result<()>,
) -> Result<()> {
    for round in 0..=load.rounds {
        for subject in &mut *subjects {
            // The first round warms up caches and code.
            measure(subject, round > 0)?;
        }
        // Each round starts one variant later than the one before.
        if !subjects.is_empty() {
            subjects.rotate_left(1);
        }
        eprint!("\r{figure}: round {round} of {}", load.rounds);
    }
    eprintln!();
    Ok(())
}

/// Returns the average CPU microseconds per request at full load.
fn cpu_micros(subject: &Subject<'_>, load: &Load) -> Result<f64> {
    let Subject { variant, proxy, .. } = subject;
    let time = Duration::from_millis(load.millis);
    let before = process::cpu_time(proxy.id())?;
    let requests =
        load::run(proxy.address(), &variant.headers, variant.status, load.connections, time)?;
    let after = process::cpu_time(proxy.id())?;
    ensure!(requests > 0, "{}: no request was answered", variant.name);
    Ok(after.saturating_sub(before).as_secs_f64() * 1e6 / requests as f64)
}

/// Returns the latencies at a fixed rate.
fn latencies(subject: &Subject<'_>, load: &Load) -> Result<Vec<Duration>> {
    let Subject { variant, proxy, .. } = subject;
    let time = Duration::from_millis(load.millis);
    load::latencies(proxy.address(), &variant.headers, load.connections, load.rate, time)
}
