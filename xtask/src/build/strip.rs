//! Removes callbacks that a filter does not implement.
//!
//! The SDK exports every callback of the ABI. Each exported callback costs a call into the module for
//! each request.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use walrus::{Module, passes};

/// Prefix of exports that replace a callback of the SDK.
const OVERRIDE_PREFIX: &str = "weir_on_";

/// Removes all exports except `keep`, and the code that becomes unreachable.
///
/// An export `weir_on_<callback>` replaces `proxy_on_<callback>`.
pub(crate) fn unused_exports(wasm: &[u8], keep: &BTreeSet<String>) -> Result<Vec<u8>> {
    let mut module =
        Module::from_buffer(wasm).map_err(|error| anyhow!("invalid module: {error:#}"))?;
    apply_overrides(&mut module);
    let unused = module.exports.iter().filter(|export| !keep.contains(&export.name));
    let unused: Vec<_> = unused.map(walrus::Export::id).collect();
    for export in unused {
        module.exports.delete(export);
    }
    passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

fn apply_overrides(module: &mut Module) {
    let overrides = module.exports.iter().filter_map(|export| {
        let callback = export.name.strip_prefix(OVERRIDE_PREFIX)?;
        Some((export.id(), format!("proxy_on_{callback}")))
    });
    for (export, name) in overrides.collect::<Vec<_>>() {
        let replaced = module.exports.iter().find(|other| other.name == name);
        if let Some(replaced) = replaced.map(walrus::Export::id) {
            module.exports.delete(replaced);
        }
        module.exports.get_mut(export).name = name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_the_export_and_its_code() {
        let wasm = wat::parse_str(
            r#"(module
                (import "env" "proxy_log" (func $log))
                (func (export "proxy_on_log") call $log)
                (func (export "proxy_on_delete")))"#,
        )
        .unwrap();
        let keep = BTreeSet::from(["proxy_on_delete".to_owned()]);
        let module = Module::from_buffer(&unused_exports(&wasm, &keep).unwrap()).unwrap();
        let exports: Vec<_> = module.exports.iter().map(|export| export.name.as_str()).collect();
        assert_eq!(exports, ["proxy_on_delete"]);
        assert_eq!(module.imports.iter().count(), 0);
    }

    #[test]
    fn an_override_replaces_the_callback_of_the_sdk() {
        let wasm = wat::parse_str(
            r#"(module
                (func $theirs (export "proxy_on_response_body") (result i32) i32.const 1)
                (func (export "weir_on_response_body") (result i32) call $theirs i32.const 1 i32.add)
                (func (export "proxy_on_delete")))"#,
        )
        .unwrap();
        let exports = |keep: &[&str]| -> Vec<String> {
            let keep = keep.iter().map(ToString::to_string).collect();
            let module = Module::from_buffer(&unused_exports(&wasm, &keep).unwrap()).unwrap();
            assert_eq!(module.funcs.iter().count(), keep.len().pow(2).min(3));
            module.exports.iter().map(|export| export.name.clone()).collect()
        };
        let mut both = exports(&["proxy_on_delete", "proxy_on_response_body"]);
        both.sort();
        assert_eq!(both, ["proxy_on_delete", "proxy_on_response_body"]);
        assert_eq!(exports(&["proxy_on_delete"]), ["proxy_on_delete"]);
    }
}
