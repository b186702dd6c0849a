//! Filters, and `[package.metadata.weir]` in their `Cargo.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::Package;
use serde::Deserialize;

/// The optional callbacks of Proxy-Wasm ABI 0.2.1, without `proxy_on_`.
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

/// A crate that is built into a module.
pub(crate) struct Filter {
    package: Package,
    folder: PathBuf,
}

/// The content of `[package.metadata.weir]`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ModuleSpec {
    /// Callbacks that the filter implements, without `proxy_on_`.
    pub(crate) callbacks: Vec<String>,
    /// Maximum size of the module in KiB.
    pub(crate) max_size_kib: u32,
    /// Callbacks of additional modules from the same code, by the suffix of their name.
    #[serde(default)]
    pub(crate) variants: BTreeMap<String, Vec<String>>,
}

impl Filter {
    /// Returns the filter of a package, `None` if its folder is not directly in one of `homes`.
    pub(crate) fn new(package: &Package, homes: &[PathBuf]) -> Option<Self> {
        let folder = package.manifest_path.parent()?.as_std_path();
        let home = folder.parent()?;
        homes
            .iter()
            .any(|candidate| candidate == home)
            .then(|| Self { package: package.clone(), folder: folder.to_path_buf() })
    }

    /// Returns the name of the folder, the package and the image, such as `jwt-auth`.
    pub(crate) fn name(&self) -> &str {
        &self.package.name
    }

    /// Returns the name of the module, such as `jwt_auth`.
    pub(crate) fn module(&self) -> String {
        self.package.name.replace('-', "_")
    }

    /// Returns the package.
    pub(crate) fn package(&self) -> &Package {
        &self.package
    }

    /// Returns the folder of the filter.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Parses `[package.metadata.weir]`.
    ///
    /// # Errors
    /// Fails if the table or a field is missing, or a callback is unknown.
    pub(crate) fn spec(&self) -> Result<ModuleSpec> {
        ModuleSpec::from_metadata(&self.package.metadata)
            .with_context(|| format!("{}/Cargo.toml", self.folder.display()))
    }
}

impl ModuleSpec {
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
                "must have [package.metadata.weir] with `callbacks`, the list of callbacks that \
                 the filter implements, and `max-size-kib`"
            );
        };
        let spec = Self::deserialize(table).context("[package.metadata.weir]")?;
        let mut callbacks = spec.callbacks.iter().chain(spec.variants.values().flatten());
        let unknown = callbacks.find(|name| !CALLBACKS.contains(&name.as_str()));
        if let Some(unknown) = unknown {
            bail!(
                "[package.metadata.weir] callbacks: must be one of {}, got `{unknown}`",
                CALLBACKS.join(", ")
            );
        }
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ModuleSpec;

    #[test]
    fn reads_callbacks_and_size() {
        let metadata = json!({"weir": {"callbacks": ["request_headers"], "max-size-kib": 64}});
        let spec = ModuleSpec::from_metadata(&metadata).unwrap();
        assert_eq!(spec.callbacks, ["request_headers"]);
        assert_eq!(spec.max_size_kib, 64);
    }

    #[test]
    fn a_variant_has_its_own_callbacks_and_a_suffix() {
        let metadata = json!({"weir": {"callbacks": ["log"], "max-size-kib": 64,
            "variants": {"all": ["log", "tick"]}}});
        let spec = ModuleSpec::from_metadata(&metadata).unwrap();
        let variants = spec.variants().map(|(suffix, spec)| (suffix, spec.callbacks.len()));
        assert_eq!(variants.collect::<Vec<_>>(), [(String::new(), 1), ("_all".to_owned(), 2)]);
    }

    #[test]
    fn refuses_missing_fields_and_unknown_callbacks() {
        let cases = [
            (json!(null), "must have [package.metadata.weir]"),
            (json!({"weir": {"callbacks": []}}), "missing field `max-size-kib`"),
            (json!({"weir": {"max-size-kib": 64}}), "missing field `callbacks`"),
            (
                json!({"weir": {"callbacks": ["on_request"], "max-size-kib": 64}}),
                "upstream_data, got `on_request`",
            ),
            (
                json!({"weir": {"callbacks": [], "max-size-kib": 64, "variants": {"a": ["tock"]}}}),
                "upstream_data, got `tock`",
            ),
        ];
        for (metadata, message) in cases {
            let error = format!("{:#}", ModuleSpec::from_metadata(&metadata).unwrap_err());
            assert!(error.contains(message), "{error}");
        }
    }
}
