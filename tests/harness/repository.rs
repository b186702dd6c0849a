//! Files of the repository.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::read_text;

/// Environment variable with the folder of the `.wasm` files. Default: `target/wasm`.
pub const WASM_DIR: &str = "WEIR_WASM_DIR";

/// The module with all filters. It has a folder, a sample and an image like a filter.
pub const SUITE: &str = "suite";

/// Returns the root of the repository.
pub fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// Reads a YAML file. The path is relative to the root.
///
/// # Errors
/// If the file cannot be read or is not YAML.
pub fn yaml(path: &str) -> Result<Value> {
    parse_yaml(&read_text(&root().join(path))?).with_context(|| format!("{path} is not valid YAML"))
}

/// Returns the `pluginConfig` of a WasmPlugin or of a filter block of Envoy.
///
/// # Errors
/// If the file is neither, or the block's configuration is not JSON.
pub fn plugin_config(path: &str) -> Result<Value> {
    let sample = yaml(path)?;
    if let Some(config) = sample.pointer("/spec/pluginConfig") {
        return Ok(config.clone());
    }
    let text = sample.pointer("/typed_config/config/configuration/value").and_then(Value::as_str);
    let text = text.with_context(|| format!("{path} has no pluginConfig"))?;
    serde_json::from_str(text).with_context(|| format!("the pluginConfig of {path} is not JSON"))
}

/// Returns the parsed YAML code blocks of a filter's README, in order.
///
/// # Errors
/// If the README is missing or a block is not YAML.
pub fn readme_samples(filter: &str) -> Result<Vec<Value>> {
    let readme = read_text(&root().join(format!("filters/{filter}/README.md")))?;
    let blocks = readme.split("\n```yaml").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split_once('\n')?.1.split("\n```").next());
    blocks.map(parse_yaml).collect()
}

/// Parses YAML.
///
/// # Errors
/// If the text is not YAML. The error contains line and column.
pub fn parse_yaml(text: &str) -> Result<Value> {
    Ok(serde_saphyr::from_str(text)?)
}

/// Returns the sorted names of the folders below `filters`: the filters and the suite.
///
/// # Errors
/// If the folder cannot be read.
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

/// Returns the sorted names of the filters without the suite.
///
/// # Errors
/// If the folder cannot be read.
pub fn single_filters() -> Result<Vec<String>> {
    Ok(filters()?.into_iter().filter(|name| name != SUITE).collect())
}

/// Returns the single filters in the order in which a proxy runs them, from the table in the root
/// README.
///
/// # Errors
/// If the README or the folder of the filters cannot be read.
pub fn filter_order() -> Result<Vec<String>> {
    order_in("README.md", |filter| format!("\n| {filter} | `"))
}

/// Returns the filters in the order in which the suite runs them: that of its sample.
///
/// # Errors
/// If the sample cannot be read.
pub fn suite_order() -> Result<Vec<String>> {
    order_in("wasmplugins/suite.yaml", |filter| format!("\n    {filter}:\n"))
}

/// Returns the filters in the order in which a file contains their texts.
fn order_in(file: &str, text: impl Fn(&str) -> String) -> Result<Vec<String>> {
    let content = read_text(&root().join(file))?;
    let offset = |filter: &String| content.find(&text(filter));
    let filters = single_filters()?.into_iter();
    let mut order: Vec<_> = filters.filter_map(|filter| Some((offset(&filter)?, filter))).collect();
    order.sort();
    Ok(order.into_iter().map(|(_, filter)| filter).collect())
}

/// Returns the text files of the repository with their paths relative to the root, without build
/// output.
///
/// # Errors
/// If a folder cannot be read.
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

/// Returns the path of the filter's module.
///
/// # Errors
/// If the module is not built.
pub fn module(filter: &str) -> Result<PathBuf> {
    let folder = env::var_os(WASM_DIR).map_or_else(|| root().join("target/wasm"), PathBuf::from);
    let path = folder.join(format!("{}.wasm", filter.replace('-', "_")));
    if !path.exists() {
        bail!("{} does not exist: run `make build`, or set {WASM_DIR}", path.display());
    }
    Ok(path)
}
