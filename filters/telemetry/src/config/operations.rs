//! `operations`: which paths are which operation.

use filter_core::PathTemplate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{HostPattern, MethodName, OperationName};

/// One entry of `operations`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperationConfig {
    /// Which paths.
    pub path_template: PathTemplate,
    /// Which methods; empty means all.
    #[serde(default)]
    pub methods: Vec<MethodName>,
    /// Which hosts; empty means all.
    #[serde(default)]
    pub hosts: Vec<HostPattern>,
    /// What it is called; the template's text if absent.
    #[serde(default)]
    pub name: Option<OperationName>,
}
