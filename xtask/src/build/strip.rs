//! Removing callbacks that a filter does not implement.
//!
//! The SDK exports every callback of the ABI, and the host calls each of them on each request.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use walrus::{Module, passes};

/// Prefix of a callback that replaces the SDK's.
const OWN: &str = "weir_on_";

/// Keeps only these exports and the code reachable from them.
///
/// If the module exports `weir_on_<callback>`, it replaces `proxy_on_<callback>`.
pub(crate) fn unused_exports(wasm: &[u8], keep: &BTreeSet<String>) -> Result<Vec<u8>> {
    let mut module =
        Module::from_buffer(wasm).map_err(|error| anyhow!("not a module: {error:#}"))?;
    prefer_own(&mut module);
    let unused = module.exports.iter().filter(|export| !keep.contains(&export.name));
    let unused: Vec<_> = unused.map(walrus::Export::id).collect();
    for export in unused {
        module.exports.delete(export);
    }
    passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

fn prefer_own(module: &mut Module) {
    let own = module.exports.iter().filter_map(|export| {
        let callback = export.name.strip_prefix(OWN)?;
        Some((export.id(), format!("proxy_on_{callback}")))
    });
    for (export, name) in own.collect::<Vec<_>>() {
        let theirs = module.exports.iter().find(|other| other.name == name);
        if let Some(theirs) = theirs.map(walrus::Export::id) {
            module.exports.delete(theirs);
        }
        module.exports.get_mut(export).name = name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_export_and_the_code_behind_it() {
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
    fn a_callback_of_our_own_takes_the_place_of_the_sdks() {
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
