//! The order in which a proxy runs the shipped WasmPlugins.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::{process::wait_until, repository};

use crate::{Scenario, mesh::Mesh};

/// Timeout until the gateway has every plugin, on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// The scenarios of this module.
pub(crate) const SCENARIOS: &[Scenario] =
    &[("the shipped WasmPlugins run in the order of the README", as_documented)];

/// Applies the shipped documents with their phase and priority, and reads the order from the
/// listener.
fn as_documented(mesh: &Mesh) -> Result<()> {
    let filters = repository::filters()?;
    for filter in &filters {
        let config = repository::plugin_config(&format!("wasmplugins/{filter}.yaml"))?;
        mesh.apply_plugin(filter, &config)?;
    }
    let mut order = Vec::new();
    wait_until("running every plugin", LIMIT, || {
        let names = mesh.http_filters()?;
        let known = |name: &String| {
            filters.iter().find(|filter| name.contains(&format!(".{filter}-"))).cloned()
        };
        order = names.iter().filter_map(known).collect();
        Ok(order.len() >= filters.len())
    })
    .with_context(|| format!("the gateway has {order:?}"))?;
    let documented = repository::filter_order()?;
    ensure!(order == documented, "{order:?} run, README.md has {documented:?}");
    Ok(())
}
