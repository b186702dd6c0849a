//! Start-up time and memory of Envoy.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result};

use crate::{
    load, process, proxy::Proxy, results::Footprint, statistics::median, variants::Variant,
};

/// Number of workers of the larger Envoy.
///
/// Memory that Envoy keeps after compiling a module varies by several MiB between two starts. The
/// more workers, the smaller the error per worker.
const WORKERS: usize = 32;
/// Number of connections per worker.
const CONNECTIONS: usize = 16;
/// Length of the load before memory is measured.
const LOAD: Duration = Duration::from_millis(500);

/// Starts Envoy several times with one and with many workers.
///
/// The memory of a further worker is the difference in resident memory between many workers and
/// one, divided by the number of further workers. Both serve 16 connections per worker. Further
/// workers also use memory that compiling has left free, so large modules seem smaller than they
/// are.
///
/// # Errors
///
/// Fails if Envoy does not start or answer.
pub(crate) fn measure(
    variant: &Variant,
    collector: SocketAddr,
    starts: usize,
) -> Result<Footprint> {
    let (mut start_times, mut one, mut many) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..starts {
        let proxy = Proxy::start(variant, collector, 1)?;
        start_times.push(proxy.start_up().as_secs_f64() * 1e3);
        one.push(resident(&proxy, variant, 1)?);
        drop(proxy);
        many.push(resident(&Proxy::start(variant, collector, WORKERS)?, variant, WORKERS)?);
    }
    let resident_kib = median(one).context("no start")?;
    let added = median(many).context("no start")? - resident_kib;
    Ok(Footprint {
        start_millis: median(start_times).context("no start")?,
        resident_kib,
        per_worker_kib: added / WORKERS.saturating_sub(1) as f64,
    })
}

/// Returns the resident memory after some load on every worker, in KiB.
fn resident(proxy: &Proxy, variant: &Variant, workers: usize) -> Result<f64> {
    let connections = CONNECTIONS.saturating_mul(workers);
    load::run(proxy.address(), &variant.headers, variant.status, connections, LOAD)?;
    Ok(process::resident_kib(proxy.id())? as f64)
}
