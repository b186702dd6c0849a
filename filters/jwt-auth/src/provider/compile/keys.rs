//! Compilation of `jwks` and `keys`.

use filter_core::Warning;
use std::rc::Rc;

use super::{CompileState, remote};
use crate::{
    compile_context::CompileContext,
    config::{JwtRule, KeyConfig},
    key::{InvalidKey, Key, looks_like_hex},
    key_set::{KeySet, KeyWarnings},
    provider::Keys,
};

const MAX_KEYS: usize = 64;

pub(super) fn compile(
    rule: &JwtRule,
    provider: &Rc<str>,
    path: &str,
    context: &CompileContext<'_>,
    state: &mut CompileState,
) -> Keys {
    let is_inline = rule.jwks.is_some() || rule.keys.is_some();
    if rule.jwks_uri.is_some() && is_inline {
        let text = "must not be given together with jwks or keys";
        state.errors.add(format!("{path}.jwksUri"), text);
    }
    if !is_inline {
        return remote::keys(rule, provider, path, context, state);
    }
    if rule.jwks_fetch.is_some() {
        let text = "must not be given together with jwks or keys";
        state.errors.add(format!("{path}.jwksFetch"), text);
    }
    Keys::Inline(Rc::new(inline_keys(rule, path, context, state)))
}

fn inline_keys(
    rule: &JwtRule,
    path: &str,
    context: &CompileContext<'_>,
    state: &mut CompileState,
) -> KeySet {
    match (&rule.jwks, &rule.keys) {
        (Some(text), None) => {
            let path = format!("{path}.jwks");
            match KeySet::parse(text.as_str().as_bytes(), context.crypto) {
                Ok((keys, key_warnings)) => {
                    warn(&path, &key_warnings, state);
                    return keys;
                }
                Err(invalid) => state.errors.add(path, invalid),
            }
        }
        (None, Some(keys)) => return listed_keys(keys, &format!("{path}.keys"), context, state),
        (None, None) => {}
        (Some(_), Some(_)) => state.errors.add(path, "must have one of jwks and keys, got both"),
    }
    KeySet::default()
}

fn listed_keys(
    keys: &[KeyConfig],
    path: &str,
    context: &CompileContext<'_>,
    state: &mut CompileState,
) -> KeySet {
    if !(1..=MAX_KEYS).contains(&keys.len()) {
        state.errors.add(path, "must have 1 to 64 entries");
    }
    let mut usable = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let path = format!("{path}[{index}]");
        if key.secret.is_some() {
            state.warnings.push(Warning::new(format_args!("{path}.secret"), EXPOSED_SECRET));
        }
        if let Some(field) = misread_field(key, context) {
            state.warnings.push(Warning::new(format_args!("{path}.{field}"), LOOKS_LIKE_HEX));
        }
        match parse(key, context) {
            Ok(key) => usable.push(key),
            Err((field, reason)) => state.errors.add(format!("{path}{field}"), reason),
        }
    }
    KeySet::new(usable)
}

fn parse(key: &KeyConfig, context: &CompileContext<'_>) -> Result<Key, (&'static str, String)> {
    let (id, alg) = (key.kid.clone(), key.alg.map(|name| name.algorithm().name()));
    let at = |field: &'static str| move |reason: InvalidKey| (field, reason.to_string());
    let pinned = alg.ok_or((".alg", "is required for a secret".to_owned()));
    let encoding = key.secret_encoding.unwrap_or_default();
    match (&key.pem, &key.secret, &key.secret_env) {
        (Some(_), None, None) if key.secret_encoding.is_some() => {
            Err((".secretEncoding", "must not be given together with pem".to_owned()))
        }
        (Some(pem), None, None) => Key::from_pem(pem, id, alg, context.crypto).map_err(at(".pem")),
        (None, Some(secret), None) => {
            Key::from_secret(secret.as_str(), encoding, id, pinned?).map_err(at(".secret"))
        }
        (None, None, Some(name)) => {
            let unset = || (".secretEnv", format!("variable {} is not set", name.as_str()));
            let secret = (context.variable)(name.as_str()).ok_or_else(unset)?;
            Key::from_secret(&secret, encoding, id, pinned?).map_err(at(".secretEnv"))
        }
        _ => Err(("", "must have exactly one of pem, secret and secretEnv".to_owned())),
    }
}

/// Returns the field of a secret that is read as base64 by default but looks like hexadecimal
/// digits.
fn misread_field(key: &KeyConfig, context: &CompileContext<'_>) -> Option<&'static str> {
    if key.secret_encoding.is_some() {
        return None;
    }
    if let Some(secret) = &key.secret {
        return looks_like_hex(secret.as_str()).then_some("secret");
    }
    let secret = (context.variable)(key.secret_env.as_ref()?.as_str())?;
    looks_like_hex(&secret).then_some("secretEnv")
}

fn warn(path: &str, key_warnings: &KeyWarnings, state: &mut CompileState) {
    for (index, reason) in &key_warnings.ignored {
        state.warnings.push(Warning::new(path, format_args!("key {index} is ignored: {reason}")));
    }
    for index in &key_warnings.private {
        state.warnings.push(Warning::new(
            path,
            format_args!("key {index} has a private half, which is dropped"),
        ));
    }
    for index in &key_warnings.secret {
        state.warnings.push(Warning::new(path, format_args!("key {index}: {EXPOSED_SECRET}")));
    }
}

const EXPOSED_SECRET: &str = "everyone who can read the configuration can forge tokens with it";
const LOOKS_LIKE_HEX: &str = "is read as base64, but has only hexadecimal digits: set \
                              secretEncoding to HEX or TEXT, or to BASE64 if it is base64";
