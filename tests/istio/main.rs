//! The shipped images in a real Istio: API server, istiod, agent and Envoy.
//!
//! The scenarios cover the interaction with Istio. Everything else is tested with a plain Envoy.

use std::{
    env, fs,
    io::{Write, stderr},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Instant,
};

use anyhow::{Result, anyhow};

mod access_control;
mod fault_injection;
mod filter_order;
mod identities;
mod jwt_auth;
mod load;
mod mesh;
mod plugin;
mod rate_limit;
mod routing_tags;
mod samples;
mod shop;
mod suite;
mod telemetry;
mod tools;

use mesh::Mesh;

/// A name and a test that runs in the shared mesh.
type Scenario = (&'static str, fn(&Mesh) -> Result<()>);

/// Environment variable that selects the scenarios whose names contain its value.
const ONLY: &str = "WEIR_SCENARIOS";

/// Runs all scenarios in one mesh, because its start takes longer than any of them.
#[test]
fn shipped_images_work_in_istio() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("istio");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let start = Instant::now();
    let mesh = Mesh::start(&folder).unwrap();
    report(&format!(
        "the mesh is ready after {:.1?}; its logs are in {}",
        start.elapsed(),
        folder.display()
    ));
    // jwt-auth runs before `filter_order`, because its first scenario must pull the image.
    let scenarios =
        samples::SCENARIOS.iter().chain(jwt_auth::SCENARIOS).chain(filter_order::SCENARIOS);
    let scenarios = scenarios.chain(routing_tags::SCENARIOS).chain(fault_injection::SCENARIOS);
    let scenarios =
        scenarios.chain(rate_limit::SCENARIOS).chain(telemetry::SCENARIOS).chain(suite::SCENARIOS);
    let scenarios = scenarios.chain(access_control::SCENARIOS).chain(identities::SCENARIOS);
    let only = env::var(ONLY).unwrap_or_default();
    let scenarios = scenarios.filter(|(name, _)| name.contains(&only));
    let failed: Vec<_> = scenarios.filter(|s| !passes(&mesh, s)).map(|(name, _)| name).collect();
    report(&format!("all scenarios took {:.1?}", start.elapsed()));
    drop(mesh);
    assert!(failed.is_empty(), "failed: {failed:?}");
}

/// Runs one scenario and prints its result. Returns `true` if it passed.
fn passes(mesh: &Mesh, (name, scenario): &Scenario) -> bool {
    let (start, mark) = (Instant::now(), mesh.log_mark());
    let outcome = catch_unwind(AssertUnwindSafe(|| scenario(mesh)))
        .unwrap_or_else(|_| Err(anyhow!("panicked")))
        .and(mesh.clear());
    let elapsed = start.elapsed();
    match &outcome {
        Ok(()) => report(&format!("{name} ... ok ({elapsed:.1?})")),
        Err(error) => {
            let log = mesh.log_since(mark);
            report(&format!(
                "{name} ... FAILED ({elapsed:.1?}): {error:#}\nthe gateway logged:\n{log}"
            ));
        }
    }
    outcome.is_ok()
}

/// Prints a line at once, bypassing the capture of the test's output.
pub(crate) fn report(line: &str) {
    let _ = writeln!(stderr(), "istio: {line}");
}
