//! The order in which a proxy runs the shipped WasmPlugins of the single filters.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::{process::wait_until, repository};

use crate::{Scenario, mesh::Mesh};

/// Timeout until the gateway runs all plugins, sufficient for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The scenarios of this module.
pub(crate) const SCENARIOS: &[Scenario] = &[(
    "the shipped WasmPlugins of single filters run in the documented order",
    matches_the_readme,
)];

/// Applies the shipped WasmPlugins and reads the order of the filters from the listener.
fn matches_the_readme(mesh: &Mesh) -> Result<()> {
    let filters = repository::single_filters()?;
    for filter in &filters {
        let config = repository::plugin_config(&format!("wasmplugins/{filter}.yaml"))?;
        mesh.apply_plugin(filter, &config)?;
    }
    let mut order = Vec::new();
    wait_until("running every plugin", TIMEOUT, || {
        let names = mesh.http_filters()?;
        let known = |name: &String| {
            filters.iter().find(|filter| name.contains(&format!(".{filter}-"))).cloned()
        };
        order = names.iter().filter_map(known).collect();
        Ok(order.len() >= filters.len())
    })
    .with_context(|| format!("the gateway has {order:?}"))?;
    let documented = repository::filter_order()?;
    ensure!(order == documented, "the order is {order:?}, README.md has {documented:?}");
    Ok(())
}
