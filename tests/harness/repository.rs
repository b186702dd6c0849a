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

/// The `pluginConfig` of a sample: of a WasmPlugin, or of Envoy's HTTP filter.
///
/// # Errors
/// When the file is neither, or the filter's text is no JSON.
pub fn plugin_config(path: &str) -> Result<Value> {
    let sample = yaml(path)?;
    if let Some(config) = sample.pointer("/spec/pluginConfig") {
        return Ok(config.clone());
    }
    let text = sample.pointer("/typed_config/config/configuration/value").and_then(Value::as_str);
    let text = text.with_context(|| format!("{path} has no pluginConfig"))?;
    serde_json::from_str(text).with_context(|| format!("the pluginConfig of {path} is no JSON"))
}

/// The blocks of a filter's README that are marked as YAML, parsed, in their order.
///
/// # Errors
/// When there is no README, or a block is no YAML.
pub fn readme_samples(filter: &str) -> Result<Vec<Value>> {
    let readme = read_text(&root().join(format!("filters/{filter}/README.md")))?;
    let blocks = readme.split("\n```yaml").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split_once('\n')?.1.split("\n```").next());
    blocks.map(parse_yaml).collect()
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

/// Returns the filters in the order in which a proxy runs them, from the table in the root README.
///
/// # Errors
/// When the README or the folder of the filters cannot be read.
pub fn filter_order() -> Result<Vec<String>> {
    let readme = read_text(&root().join("README.md"))?;
    let place = |filter: &String| readme.find(&format!("\n| {filter} | `"));
    let mut order: Vec<_> =
        filters()?.into_iter().filter_map(|filter| Some((place(&filter)?, filter))).collect();
    order.sort();
    Ok(order.into_iter().map(|(_, filter)| filter).collect())
}

/// Every text file of the repository with its path below the root; build output is left out.
///
/// # Errors
/// When a folder cannot be read.
pub fn texts() -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", ".git", "node_modules", "corpus", "artifacts"]
                    .contains(&name.as_str())
                {
                    folders.push(path);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                texts.push((path.strip_prefix(root())?.display().to_string(), text));
            }
        }
    }
    texts.sort();
    Ok(texts)
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
