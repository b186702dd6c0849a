//! Checks of imports, exports and size after the build.
//!
//! Envoy refuses a module that imports an unknown function, but only when it is configured.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail};
use walrus::{ExportItem, ImportKind, Module};

use crate::workspace::ModuleSpec;

#[cfg(test)]
mod tests;

/// Exports of every filter.
///
/// They include `proxy_on_delete` because the SDK frees the context of a stream there.
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

/// The host functions of Proxy-Wasm ABI 0.2.1 that Envoy provides.
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

/// The WASI functions that Rust's standard library can call in a filter.
const WASI: &[&str] =
    &["clock_time_get", "environ_get", "environ_sizes_get", "fd_write", "proc_exit", "random_get"];

/// Returns the exports that a module keeps.
pub(crate) fn exports(spec: &ModuleSpec) -> BTreeSet<String> {
    let callbacks = spec.callbacks.iter().map(|name| format!("proxy_on_{name}"));
    REQUIRED.iter().map(ToString::to_string).chain(callbacks).collect()
}

/// Checks that a module can be shipped.
///
/// # Errors
/// Fails with all problems at once: forbidden imports, missing exports, size.
pub(crate) fn check(wasm: &[u8], spec: &ModuleSpec) -> Result<()> {
    let module = Module::from_buffer(wasm).map_err(|error| anyhow!("invalid module: {error:#}"))?;
    let mut errors = forbidden_imports(&module);
    errors.extend(missing_exports(&module, spec));
    errors.extend(size_error(wasm.len(), spec.max_size_kib));
    if !errors.is_empty() {
        bail!("{}", errors.join("; "));
    }
    Ok(())
}

fn forbidden_imports(module: &Module) -> Vec<String> {
    let allowed = |import: &walrus::Import| {
        let names = match import.module.as_str() {
            "env" => HOSTCALLS,
            "wasi_snapshot_preview1" => WASI,
            _ => &[],
        };
        matches!(import.kind, ImportKind::Function(_)) && names.contains(&import.name.as_str())
    };
    let forbidden = module.imports.iter().filter(|import| !allowed(import));
    forbidden
        .map(|import| {
            format!(
                "imports {}.{}, which a filter must not import: remove the dependency that calls it",
                import.module, import.name
            )
        })
        .collect()
}

fn missing_exports(module: &Module, spec: &ModuleSpec) -> Vec<String> {
    let has = |name: &str| {
        let is_memory = name == "memory";
        module.exports.iter().any(|export| {
            export.name == name && matches!(export.item, ExportItem::Memory(_)) == is_memory
        })
    };
    let missing = exports(spec).into_iter().filter(|name| !has(name));
    missing.map(|name| format!("does not export {name}")).collect()
}

fn size_error(bytes: usize, max_size_kib: u32) -> Option<String> {
    let limit = u64::from(max_size_kib).saturating_mul(1024);
    let too_large = u64::try_from(bytes).map_or(true, |bytes| bytes > limit);
    too_large.then(|| {
        format!(
            "has {bytes} bytes, but max-size-kib is {max_size_kib}: make it smaller, or raise the limit in Cargo.toml"
        )
    })
}
