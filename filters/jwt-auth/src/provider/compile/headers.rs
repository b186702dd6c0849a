//! Compilation of `jwksFetch.headers`.

use super::CompileState;
use crate::{
    compile_context::CompileContext,
    config::{FetchHeader, JwksFetchConfig},
    key_source::FetchHeaders,
};

const MAX_HEADERS: usize = 16;
const MAX_VALUE_BYTES: usize = 4096;
/// Headers that only the filter sets.
const RESERVED: [&str; 2] = ["content-length", "if-none-match"];

/// Compiles `headers`. Errors hide the values, which may be secrets.
pub(super) fn compile(
    fetch: &JwksFetchConfig,
    path: &str,
    context: &CompileContext<'_>,
    state: &mut CompileState,
) -> FetchHeaders {
    let Some(configured) = &fetch.headers else { return FetchHeaders::default() };
    if !(1..=MAX_HEADERS).contains(&configured.len()) {
        state.errors.add(path, "must have 1 to 16 entries");
    }
    let mut headers: Vec<(Box<str>, Box<str>)> = Vec::new();
    for (index, header) in configured.iter().enumerate() {
        let (name, path) = (header.name.as_str(), format!("{path}[{index}]"));
        if RESERVED.contains(&name) {
            state.errors.add(format!("{path}.name"), "must not be a header that the fetch sets");
        }
        if headers.iter().any(|(other, _)| **other == *name) {
            state.errors.add(format!("{path}.name"), "must be unique");
        }
        match value(header, context) {
            Ok(value) => headers.push((name.into(), value)),
            Err((field, text)) => state.errors.add(format!("{path}{field}"), text),
        }
    }
    FetchHeaders::new(headers)
}

fn value(
    header: &FetchHeader,
    context: &CompileContext<'_>,
) -> Result<Box<str>, (&'static str, String)> {
    let (field, value) = match (&header.value, &header.value_env) {
        (Some(value), None) => (".value", value.as_str().to_owned()),
        (None, Some(name)) => {
            let unset = || (".valueEnv", format!("variable {} is not set", name.as_str()));
            (".valueEnv", (context.variable)(name.as_str()).ok_or_else(unset)?)
        }
        _ => return Err(("", "must have exactly one of value and valueEnv".to_owned())),
    };
    let is_legal = (1..=MAX_VALUE_BYTES).contains(&value.len())
        && value.trim().len() == value.len()
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let rule = "must be 1 to 4096 bytes of printable ASCII without leading or trailing blanks";
    if is_legal { Ok(value.into()) } else { Err((field, rule.to_owned())) }
}
