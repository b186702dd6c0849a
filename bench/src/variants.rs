//! Rows of the benchmark: filters and the headers of their requests.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hyper::StatusCode;
use serde_json::{Value, json};
use tests::{identity_provider::IdentityProvider, repository};

mod access;
mod chain;
mod fault;
mod jwt;
mod limits;
mod logs;
mod tags;
mod telemetry;
pub(crate) mod typical;

/// Header names and values of one request.
pub(crate) type HeaderList = Vec<(String, String)>;

/// Rows for comparing older modules with new ones: the most common requests, and long lists of
/// rules.
const COMPARED: [&str; 5] = [
    "jwt-auth RS256 cached",
    "jwt-auth RS256 cached, 1,000 rules",
    "jwt-auth no token",
    "tags: routing-tags 1 rule",
    "tags: routing-tags 1000 rules",
];

/// Rows that are measured in every run.
const BASELINES: [&str; 2] = [NO_FILTER, EMPTY_FILTER];

/// Row without filters.
pub(crate) const NO_FILTER: &str = "no filter";
/// Row of a module that only passes requests on.
pub(crate) const EMPTY_FILTER: &str = "empty filter";

/// The field of a filter's block that names its module.
const FILENAME: &str = "/typed_config/config/vm_config/code/local/filename";

/// One row of the table.
pub(crate) struct Variant {
    /// Name in the table.
    pub(crate) name: String,
    /// HTTP filters before the router.
    pub(crate) filters: Vec<Value>,
    /// Headers of each request.
    pub(crate) headers: HeaderList,
    /// Native access log; `None` if there is none.
    pub(crate) access_log: Option<Value>,
    /// Status of the responses.
    pub(crate) status: StatusCode,
    /// Row without filters that gets the same requests.
    pub(crate) floor: &'static str,
}

impl Default for Variant {
    fn default() -> Self {
        Self {
            name: String::new(),
            filters: Vec::new(),
            headers: HeaderList::new(),
            access_log: None,
            status: StatusCode::OK,
            floor: NO_FILTER,
        }
    }
}

impl Variant {
    /// Returns `true` if other rows are compared with this one.
    pub(crate) fn is_baseline(&self) -> bool {
        BASELINES.contains(&self.name.as_str())
    }

    /// Returns `true` if latency, start-up and memory are measured too: for rows of the README and
    /// for chains.
    pub(crate) fn is_detailed(&self) -> bool {
        let is_typical = typical::ROWS.iter().any(|row| row.name == self.name);
        is_typical || self.floor == chain::FLOOR
    }

    /// Returns the paths of the modules.
    pub(crate) fn modules(&self) -> impl Iterator<Item = &Path> {
        let filenames = self.filters.iter().filter_map(|filter| filter.pointer(FILENAME));
        filenames.filter_map(Value::as_str).map(Path::new)
    }

    /// Returns `true` if the row is compared with older modules by default.
    pub(crate) fn is_compared(&self) -> bool {
        COMPARED.contains(&self.name.as_str())
    }

    /// Returns the name of the row with the older module.
    pub(crate) fn name_before(&self) -> String {
        format!("{}, before", self.name)
    }

    /// Returns the row with the modules in `folder`; `None` if it has none of them.
    ///
    /// # Errors
    ///
    /// Fails if the folder is missing.
    pub(crate) fn with_modules_in(&self, folder: &Path) -> Result<Option<Self>> {
        let folder = folder
            .canonicalize()
            .with_context(|| format!("no folder {} with older modules", folder.display()))?;
        let mut filters = self.filters.clone();
        for filename in filters.iter_mut().filter_map(|filter| filter.pointer_mut(FILENAME)) {
            let module = filename.as_str().and_then(|path| Path::new(path).file_name());
            let older = folder.join(module.context("a module without a name")?);
            if older.exists() {
                *filename = json!(older);
            }
        }
        let is_other = filters != self.filters;
        Ok(is_other.then(|| Self {
            name: self.name_before(),
            filters,
            headers: self.headers.clone(),
            access_log: self.access_log.clone(),
            status: self.status,
            floor: self.floor,
        }))
    }
}

/// Returns all rows, the baselines first.
///
/// # Errors
///
/// Fails if keys can't be generated.
pub(crate) fn all() -> Result<Vec<Variant>> {
    let provider = IdentityProvider::start()?;
    let mut variants = vec![
        Variant { name: NO_FILTER.into(), ..Variant::default() },
        Variant {
            name: EMPTY_FILTER.into(),
            filters: vec![wasm("empty_filter", &json!({}))],
            ..Variant::default()
        },
    ];
    variants.extend(chain::all(&provider)?);
    variants.extend(jwt::all(&provider)?);
    variants.extend(tags::all());
    variants.extend(fault::all());
    variants.extend(telemetry::all());
    variants.extend(limits::all());
    variants.extend(access::all());
    variants.extend(logs::all());
    Ok(variants)
}

/// Returns a Wasm filter for Envoy's configuration.
fn wasm(module: &str, config: &Value) -> Value {
    let folder = std::env::var_os(repository::WASM_DIR)
        .map_or_else(|| repository::root().join("target/wasm"), PathBuf::from);
    let file = folder.canonicalize().unwrap_or(folder).join(format!("{module}.wasm"));
    json!({"name": module, "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": module,
            "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": file}}},
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": config.to_string(),
            },
        },
    }})
}
