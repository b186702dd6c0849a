//! A filter and its module's metadata.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::Package;
use serde::Deserialize;

/// Optional callbacks of the proxy-wasm ABI 0.2.1, without `proxy_on_`.
const CALLBACKS: &[&str] = &[
    "done",
    "downstream_connection_close",
    "downstream_data",
    "foreign_function",
    "grpc_close",
    "grpc_receive",
    "grpc_receive_initial_metadata",
    "grpc_receive_trailing_metadata",
    "http_call_response",
    "log",
    "new_connection",
    "queue_ready",
    "request_body",
    "request_headers",
    "request_trailers",
    "response_body",
    "response_headers",
    "response_trailers",
    "tick",
    "upstream_connection_close",
    "upstream_data",
];

/// A crate that is built as a module.
pub(crate) struct Filter {
    package: Package,
    folder: PathBuf,
}

/// Contents of `[package.metadata.weir]`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Recipe {
    /// Callbacks of the filter, without `proxy_on_`.
    pub(crate) callbacks: Vec<String>,
    /// Maximum size of the finished module, in KiB.
    pub(crate) max_size_kib: u32,
    /// Further modules of the same code: the callbacks of each, by the suffix of its name.
    #[serde(default)]
    pub(crate) variants: BTreeMap<String, Vec<String>>,
}

impl Filter {
    /// Returns the filter of a package that is directly in one of these folders.
    pub(crate) fn new(package: &Package, homes: &[PathBuf]) -> Option<Self> {
        let folder = package.manifest_path.parent()?.as_std_path();
        let home = folder.parent()?;
        homes
            .iter()
            .any(|candidate| candidate == home)
            .then(|| Self { package: package.clone(), folder: folder.to_path_buf() })
    }

    /// Returns the name of the folder, the package and the image: `jwt-auth`.
    pub(crate) fn name(&self) -> &str {
        &self.package.name
    }

    /// Returns the name of the module: `jwt_auth`.
    pub(crate) fn module(&self) -> String {
        self.package.name.replace('-', "_")
    }

    /// Returns cargo's description of the package.
    pub(crate) fn package(&self) -> &Package {
        &self.package
    }

    /// Returns the filter's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the metadata of the filter's module.
    ///
    /// # Errors
    /// Fails for a missing table or field, and for an unknown callback.
    pub(crate) fn recipe(&self) -> Result<Recipe> {
        Recipe::from_metadata(&self.package.metadata)
            .with_context(|| format!("{}/Cargo.toml", self.folder.display()))
    }
}

impl Recipe {
    /// Returns the recipe of each module, by the suffix of its name: `""` and `"_<variant>"`.
    pub(crate) fn variants(&self) -> impl Iterator<Item = (String, Self)> {
        let variant = |callbacks: &Vec<String>| Self {
            callbacks: callbacks.clone(),
            max_size_kib: self.max_size_kib,
            variants: BTreeMap::new(),
        };
        let variants = self.variants.iter();
        let further =
            variants.map(move |(name, callbacks)| (format!("_{name}"), variant(callbacks)));
        std::iter::once((String::new(), variant(&self.callbacks))).chain(further)
    }

    fn from_metadata(metadata: &serde_json::Value) -> Result<Self> {
        let Some(table) = metadata.get("weir") else {
            bail!(
                "needs [package.metadata.weir] with `callbacks`, the list of callbacks that the \
                 filter implements, and `max-size-kib`"
            );
        };
        let recipe = Self::deserialize(table).context("[package.metadata.weir]")?;
        let mut callbacks = recipe.callbacks.iter().chain(recipe.variants.values().flatten());
        let stray = callbacks.find(|name| !CALLBACKS.contains(&name.as_str()));
        if let Some(stray) = stray {
            bail!(
                "[package.metadata.weir] callbacks: `{stray}` is none of {}",
                CALLBACKS.join(", ")
            );
        }
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Recipe;

    #[test]
    fn reads_callbacks_and_size() {
        let metadata = json!({"weir": {"callbacks": ["request_headers"], "max-size-kib": 64}});
        let recipe = Recipe::from_metadata(&metadata).unwrap();
        assert_eq!(recipe.callbacks, ["request_headers"]);
        assert_eq!(recipe.max_size_kib, 64);
    }

    #[test]
    fn a_variant_has_its_own_callbacks_and_a_suffix() {
        let metadata = json!({"weir": {"callbacks": ["log"], "max-size-kib": 64,
            "variants": {"all": ["log", "tick"]}}});
        let recipe = Recipe::from_metadata(&metadata).unwrap();
        let variants = recipe.variants().map(|(suffix, recipe)| (suffix, recipe.callbacks.len()));
        assert_eq!(variants.collect::<Vec<_>>(), [(String::new(), 1), ("_all".to_owned(), 2)]);
    }

    #[test]
    fn refuses_what_says_too_little_or_too_much() {
        let cases = [
            (json!(null), "needs [package.metadata.weir]"),
            (json!({"weir": {"callbacks": []}}), "missing field `max-size-kib`"),
            (json!({"weir": {"max-size-kib": 64}}), "missing field `callbacks`"),
            (
                json!({"weir": {"callbacks": ["on_request"], "max-size-kib": 64}}),
                "`on_request` is none of done,",
            ),
            (
                json!({"weir": {"callbacks": [], "max-size-kib": 64, "variants": {"a": ["tock"]}}}),
                "`tock` is none of done,",
            ),
        ];
        for (metadata, message) in cases {
            let error = format!("{:#}", Recipe::from_metadata(&metadata).unwrap_err());
            assert!(error.contains(message), "{error}");
        }
    }
}
