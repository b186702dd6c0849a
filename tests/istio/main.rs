//! The shipped images in real Istio: API server, istiod, agent, Envoy.
//!
//! Istio itself is not tested here, nor what plain Envoy shows already.

use std::{
    env, fs,
    io::{Write, stderr},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Instant,
};

use anyhow::{Result, anyhow};

mod fault_injection;
mod jwt_auth;
mod load;
mod mesh;
mod order;
mod plugin;
mod routing_tags;
mod samples;
mod telemetry;
mod tools;

use mesh::Mesh;

/// A fact about the mesh, and the function that proves it.
type Scenario = (&'static str, fn(&Mesh) -> Result<()>);

/// The environment variable that leaves only the scenarios whose names hold its text.
const ONLY: &str = "WEIR_SCENARIOS";

/// Proves every scenario in one mesh, which takes longer to start than any of them.
#[test]
fn the_shipped_images_work_in_istio() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("istio");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let start = Instant::now();
    let mesh = Mesh::start(&folder).unwrap();
    say(&format!(
        "the mesh is ready after {:.1?}; its logs are in {}",
        start.elapsed(),
        folder.display()
    ));
    // jwt-auth before the order of all, which leaves no image for its first scenario to pull.
    let scenarios = samples::SCENARIOS.iter().chain(jwt_auth::SCENARIOS).chain(order::SCENARIOS);
    let scenarios = scenarios.chain(routing_tags::SCENARIOS).chain(fault_injection::SCENARIOS);
    let scenarios = scenarios.chain(telemetry::SCENARIOS);
    let only = env::var(ONLY).unwrap_or_default();
    let scenarios = scenarios.filter(|(name, _)| name.contains(&only));
    let failed: Vec<_> = scenarios.filter(|s| !holds(&mesh, s)).map(|(name, _)| name).collect();
    say(&format!("the ring took {:.1?}", start.elapsed()));
    drop(mesh);
    assert!(failed.is_empty(), "failed: {failed:?}");
}

/// Runs one scenario and tells how it went.
fn holds(mesh: &Mesh, (name, scenario): &Scenario) -> bool {
    let (start, mark) = (Instant::now(), mesh.log_mark());
    let outcome = catch_unwind(AssertUnwindSafe(|| scenario(mesh)))
        .unwrap_or_else(|_| Err(anyhow!("panicked")))
        .and(mesh.clear());
    let took = start.elapsed();
    match &outcome {
        Ok(()) => say(&format!("{name} ... ok ({took:.1?})")),
        Err(error) => {
            let log = mesh.log_since(mark);
            say(&format!("{name} ... FAILED ({took:.1?}): {error:#}\nthe gateway logged:\n{log}"));
        }
    }
    outcome.is_ok()
}

/// Prints at once, also where the test's own output is held back until it fails.
pub(crate) fn say(line: &str) {
    let _ = writeln!(stderr(), "istio: {line}");
}
