//! Drops callbacks that a filter doesn't implement.
//!
//! The SDK exports every callback of the ABI, and the host crosses into the module for each of
//! them, on each request, to be told nothing.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use walrus::{Module, passes};

/// Keeps only these exports, and only the code that they reach.
pub(crate) fn unused_exports(wasm: &[u8], keep: &BTreeSet<String>) -> Result<Vec<u8>> {
    let mut module =
        Module::from_buffer(wasm).map_err(|error| anyhow!("not a module: {error:#}"))?;
    let unused = module.exports.iter().filter(|export| !keep.contains(&export.name));
    let unused: Vec<_> = unused.map(walrus::Export::id).collect();
    for export in unused {
        module.exports.delete(export);
    }
    passes::gc::run(&mut module);
    Ok(module.emit_wasm())
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
}
