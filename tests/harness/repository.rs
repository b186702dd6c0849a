//! Where things lie in the repository.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::read_text;

/// The environment variable that says where the `.wasm` files are instead of `target/wasm`.
pub const WASM_DIR: &str = "WEIR_WASM_DIR";

/// The root of the repository.
pub fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// Reads a YAML file, given by its path below the root.
///
/// # Errors
/// When it cannot be read or is no YAML.
pub fn yaml(path: &str) -> Result<Value> {
    parse_yaml(&read_text(&root().join(path))?).with_context(|| format!("{path} is not good YAML"))
}

/// Reads YAML.
///
/// # Errors
/// With line and column, when it is none.
pub fn parse_yaml(text: &str) -> Result<Value> {
    Ok(serde_saphyr::from_str(text)?)
}

/// The names of the filters: the folders below `filters`, sorted.
///
/// # Errors
/// When the folder cannot be read.
pub fn filters() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("filters"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The built module of `filter`.
///
/// # Errors
/// When it has not been built.
pub fn module(filter: &str) -> Result<PathBuf> {
    let folder = env::var_os(WASM_DIR).map_or_else(|| root().join("target/wasm"), PathBuf::from);
    let path = folder.join(format!("{}.wasm", filter.replace('-', "_")));
    if !path.exists() {
        bail!("{} is not there: run `make build`, or set {WASM_DIR}", path.display());
    }
    Ok(path)
}
