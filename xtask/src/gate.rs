//! Checks of a module before it ships.
//!
//! Envoy refuses a module with an unknown import only when it gets the configuration; this check
//! fails at build time.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail};
use walrus::{ExportItem, ImportKind, Module};

use crate::workspace::Recipe;

#[cfg(test)]
mod tests;

/// Exports of every filter.
///
/// `proxy_on_delete` is one, because the SDK frees a stream's context there.
pub(crate) const REQUIRED: &[&str] = &[
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_memory_allocate",
    "proxy_on_vm_start",
];

/// The host functions of the proxy-wasm ABI 0.2.1 that Envoy provides.
const HOSTCALLS: &[&str] = &[
    "proxy_add_header_map_value",
    "proxy_call_foreign_function",
    "proxy_close_stream",
    "proxy_continue_stream",
    "proxy_define_metric",
    "proxy_dequeue_shared_queue",
    "proxy_done",
    "proxy_enqueue_shared_queue",
    "proxy_get_buffer_bytes",
    "proxy_get_buffer_status",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_size",
    "proxy_get_header_map_value",
    "proxy_get_log_level",
    "proxy_get_metric",
    "proxy_get_property",
    "proxy_get_shared_data",
    "proxy_get_status",
    "proxy_grpc_call",
    "proxy_grpc_cancel",
    "proxy_grpc_close",
    "proxy_grpc_send",
    "proxy_grpc_stream",
    "proxy_http_call",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_register_shared_queue",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_resolve_shared_queue",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_effective_context",
    "proxy_set_header_map_pairs",
    "proxy_set_property",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
];

/// WASI functions that Rust's standard library may call in a filter.
const WASI: &[&str] =
    &["clock_time_get", "environ_get", "environ_sizes_get", "fd_write", "proc_exit", "random_get"];

/// Returns the exports that a filter keeps.
pub(crate) fn exports(recipe: &Recipe) -> BTreeSet<String> {
    let callbacks = recipe.callbacks.iter().map(|name| format!("proxy_on_{name}"));
    REQUIRED.iter().map(ToString::to_string).chain(callbacks).collect()
}

/// Checks that a module may ship.
///
/// # Errors
/// Fails with all unknown imports, missing exports and an excess of size.
pub(crate) fn check(wasm: &[u8], recipe: &Recipe) -> Result<()> {
    let module = Module::from_buffer(wasm).map_err(|error| anyhow!("not a module: {error:#}"))?;
    let mut faults = strange_imports(&module);
    faults.extend(missing_exports(&module, recipe));
    faults.extend(excess(wasm.len(), recipe.max_size_kib));
    if !faults.is_empty() {
        bail!("{}", faults.join("; "));
    }
    Ok(())
}

fn strange_imports(module: &Module) -> Vec<String> {
    let allowed = |import: &walrus::Import| {
        let names = match import.module.as_str() {
            "env" => HOSTCALLS,
            "wasi_snapshot_preview1" => WASI,
            _ => &[],
        };
        matches!(import.kind, ImportKind::Function(_)) && names.contains(&import.name.as_str())
    };
    let strange = module.imports.iter().filter(|import| !allowed(import));
    strange
        .map(|import| {
            format!("imports {}.{}, which no filter may import", import.module, import.name)
        })
        .collect()
}

fn missing_exports(module: &Module, recipe: &Recipe) -> Vec<String> {
    let has = |name: &str| {
        let is_memory = name == "memory";
        module.exports.iter().any(|export| {
            export.name == name && matches!(export.item, ExportItem::Memory(_)) == is_memory
        })
    };
    let missing = exports(recipe).into_iter().filter(|name| !has(name));
    missing.map(|name| format!("does not export {name}")).collect()
}

fn excess(bytes: usize, max_size_kib: u32) -> Option<String> {
    let limit = u64::from(max_size_kib).saturating_mul(1024);
    let too_large = u64::try_from(bytes).map_or(true, |bytes| bytes > limit);
    too_large.then(|| {
        format!("weighs {bytes} bytes, more than its max-size-kib = {max_size_kib} allows")
    })
}
