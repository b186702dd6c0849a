//! `operations`: names for groups of requests.

use filter_core::PathTemplate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{HostPattern, MethodName, OperationName};

/// One entry of `operations`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperationConfig {
    /// Path template of the operation, such as `/orders/{id}`.
    pub path_template: PathTemplate,
    /// Methods of the operation. Default: all.
    #[serde(default)]
    pub methods: Vec<MethodName>,
    /// Hosts of the operation. Default: all.
    #[serde(default)]
    pub hosts: Vec<HostPattern>,
    /// Name of the operation. Default: the path template.
    #[serde(default)]
    pub name: Option<OperationName>,
}
