//! Compilation of `jwtRules`.

use std::{collections::HashSet, rc::Rc, time::Duration};

use filter_core::{ClaimPath, ConfigErrors, EditableHeaderName, HeaderName, Warning, is_printable};

use super::{Audiences, Issuer, Keys, Provider, Times, without_application};
use crate::{
    algorithm::Algorithms,
    compile_context::CompileContext,
    config::{ClaimToHeader, IssuerConfig, JwtRule, NonEmpty},
    key::Key,
    key_source::SourceSpec,
    locations::{Location, is_cookie_name},
    outputs::{ClaimOutput, Outputs},
    token::Padding,
};

mod headers;
mod keys;
mod remote;

const DEFAULT_SKEW: Duration = Duration::from_secs(60);
const MAX_REVOKED: usize = 10_000;
const MAX_SPACE_DELIMITED: usize = 64;
const MAX_PREFIX_BYTES: usize = 64;
const DEFAULT_OUTPUT_BYTES: u64 = 4096;

/// Errors, warnings and sources collected during compilation.
#[derive(Debug, Default)]
pub(crate) struct CompileState {
    pub(crate) errors: ConfigErrors,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) sources: Vec<SourceSpec>,
}

impl Provider {
    /// Compiles the entry at `index`.
    pub(crate) fn compile(
        rule: &JwtRule,
        index: usize,
        context: &CompileContext<'_>,
        state: &mut CompileState,
    ) -> Self {
        let path = format!("jwtRules[{index}]");
        let name = rule.name.as_ref().map_or_else(|| format!("jwt-{index}"), |n| n.as_str().into());
        let name: Rc<str> = name.into();
        let keys = keys::compile(rule, &name, &path, context, state);
        let revocation = rule.revocation.as_ref();
        let deny_list = revocation.and_then(|r| remote::deny_list(rule, r, &name, &path, state));
        Self {
            name,
            issuer: issuer(rule),
            subjects: list(rule.subjects.as_ref(), 64, &format!("{path}.subjects"), state),
            scopes: scopes(rule, &path, state),
            space_delimited: space_delimited(rule, &path, state),
            locations: locations(rule, &path, &mut state.errors),
            padding: if rule.accept_padding { Padding::Accepted } else { Padding::Refused },
            forward: rule.forward_original_token,
            outputs: outputs(rule, &path, &mut state.errors),
            audiences: texts(rule.audiences.as_ref()).map(Audiences::new),
            algorithms: algorithms(rule, &keys, &path, context, state),
            token_types: token_types(rule, &path, state),
            times: Times {
                skew: rule.clock_skew.map_or(DEFAULT_SKEW, |skew| skew.get()),
                require_expiration: rule.require_expiration,
                max_lifetime: rule.max_lifetime.map(|max| max.get()),
                max_age: rule.max_age.map(|max| max.get()),
            },
            keys,
            binding: rule.certificate_binding,
            deny_list,
            revoked: revoked(rule, &path, state),
        }
    }
}

fn issuer(rule: &JwtRule) -> Issuer {
    match &rule.issuer {
        None => Issuer::Any,
        Some(IssuerConfig::Exact(issuer)) => Issuer::Exact(issuer.as_str().into()),
        Some(IssuerConfig::Matching(condition)) => Issuer::Matching(condition.clone()),
    }
}

/// Copies an optional list, which must have 1 to `max` entries.
fn list<T: Clone>(
    found: Option<&Vec<T>>,
    max: usize,
    path: &str,
    state: &mut CompileState,
) -> Vec<T> {
    if found.is_some_and(|found| !(1..=max).contains(&found.len())) {
        state.errors.add(path, format_args!("must have 1 to {max} entries"));
    }
    found.cloned().unwrap_or_default()
}

fn token_types(rule: &JwtRule, path: &str, state: &mut CompileState) -> Vec<Box<str>> {
    let types = list(rule.token_types.as_ref(), 8, &format!("{path}.tokenTypes"), state);
    types.iter().map(|token_type| without_application(token_type.as_str()).into()).collect()
}

fn revoked(rule: &JwtRule, path: &str, state: &mut CompileState) -> Option<HashSet<Box<str>>> {
    let listed = rule.revocation.as_ref()?.jti.as_ref()?;
    let ids = list(Some(listed), MAX_REVOKED, &format!("{path}.revocation.jti"), state);
    Some(ids.iter().map(|id| id.as_str().into()).collect())
}

fn scopes(rule: &JwtRule, path: &str, state: &mut CompileState) -> Vec<ClaimPath> {
    let configured = list(rule.scope_claims.as_ref(), 8, &format!("{path}.scopeClaims"), state);
    if configured.is_empty() { paths(["scope", "scp"]) } else { configured }
}

fn space_delimited(rule: &JwtRule, path: &str, state: &mut CompileState) -> Vec<ClaimPath> {
    if rule.space_delimited_claims.len() > MAX_SPACE_DELIMITED {
        state.errors.add(format!("{path}.spaceDelimitedClaims"), "must have at most 64 entries");
    }
    let mut space_delimited = paths(["scope", "permission"]);
    space_delimited.extend(rule.space_delimited_claims.iter().cloned());
    space_delimited
}

fn paths(names: [&str; 2]) -> Vec<ClaimPath> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

fn texts(list: Option<&Vec<NonEmpty>>) -> Option<impl Iterator<Item = &str>> {
    list.filter(|list| !list.is_empty()).map(|list| list.iter().map(NonEmpty::as_str))
}

fn algorithms(
    rule: &JwtRule,
    keys: &Keys,
    path: &str,
    context: &CompileContext<'_>,
    state: &mut CompileState,
) -> Algorithms {
    let asymmetric = Algorithms::ALL.without(Algorithms::HMAC).without(Algorithms::HOST_ONLY);
    let by_host = Algorithms::HOST_ONLY.intersection(context.crypto.by_host());
    let (supported, has_keys) = match keys {
        Keys::Remote(_) => (asymmetric.union(by_host), true),
        Keys::Inline(set) => {
            let all = set.keys().iter().map(Key::algorithms);
            (all.fold(Algorithms::NONE, Algorithms::union), !set.keys().is_empty())
        }
    };
    let Some(listed) = &rule.algorithms else {
        // Tokens with an asymmetric algorithm that no key supports fail with `KEY_NOT_FOUND`.
        return asymmetric.union(supported);
    };
    if listed.is_empty() {
        state.errors.add(format!("{path}.algorithms"), "must not be empty");
    }
    for (index, name) in listed.iter().enumerate() {
        // Without keys there is already another error.
        if has_keys && !supported.contains(name.algorithm()) {
            let text = format!("must be supported by a key, got \"{}\"", name.algorithm().name());
            state.errors.add(format!("{path}.algorithms[{index}]"), text);
        }
    }
    listed.iter().map(|name| name.algorithm()).collect()
}

fn locations(rule: &JwtRule, path: &str, errors: &mut ConfigErrors) -> Vec<Location> {
    let mut locations = Vec::new();
    for (index, header) in rule.from_headers.iter().enumerate() {
        if header.prefix.len() > MAX_PREFIX_BYTES {
            errors.add(format!("{path}.fromHeaders[{index}].prefix"), "must have at most 64 bytes");
        }
        let prefix = header.prefix.as_str().into();
        locations.push(Location::Header { name: header.name.clone(), prefix });
    }
    let parameters = rule.from_params.iter().map(|name| Location::Parameter(name.as_str().into()));
    locations.extend(parameters);
    for (index, cookie) in rule.from_cookies.iter().enumerate() {
        if !is_cookie_name(cookie.name()) {
            errors.add(format!("{path}.fromCookies[{index}]"), "must be a cookie name");
        }
        if cookie.prefix().len() > MAX_PREFIX_BYTES {
            let at = format!("{path}.fromCookies[{index}].prefix");
            errors.add(at, "must have at most 64 bytes");
        }
        let (name, prefix) = (cookie.name().into(), cookie.prefix().into());
        locations.push(Location::Cookie { name, prefix });
    }
    if locations.is_empty() { Location::defaults().into() } else { locations }
}

fn outputs(rule: &JwtRule, path: &str, errors: &mut ConfigErrors) -> Outputs {
    let header = |name: &EditableHeaderName| name.as_header_name().clone();
    let outputs = Outputs {
        payload: rule.output_payload_to_header.as_ref().map(header),
        pads_payload: rule.pad_output_payload,
        principal: rule.output_principal_to_header.as_ref().map(header),
        claims: rule.output_claim_to_headers.iter().map(claim_output).collect(),
    };
    for (index, output) in rule.output_claim_to_headers.iter().enumerate() {
        let at = format!("{path}.outputClaimToHeaders[{index}]");
        check_claim_output(output, &at, errors);
    }
    if rule.pad_output_payload && outputs.payload.is_none() {
        errors.add(
            format!("{path}.padOutputPayload"),
            "must not be given without outputPayloadToHeader",
        );
    }
    let mut seen: Vec<&HeaderName> = Vec::new();
    for name in outputs.names() {
        if seen.contains(&name) {
            errors.add(path, format_args!("must not write header {} twice", name.as_str()));
        }
        seen.push(name);
    }
    outputs
}

fn claim_output(output: &ClaimToHeader) -> ClaimOutput {
    let max_bytes = output.max_bytes.map_or(DEFAULT_OUTPUT_BYTES, |max| max.get());
    ClaimOutput {
        header: output.header.as_header_name().clone(),
        claim: output.claim.clone(),
        format: output.format,
        default: output.default.clone(),
        max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
    }
}

fn check_claim_output(output: &ClaimToHeader, path: &str, errors: &mut ConfigErrors) {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !output.header.as_str().bytes().all(is_legal) {
        errors.add(format!("{path}.header"), "must have only letters, digits, - and _");
    }
    let default = output.default.as_deref();
    if default.is_some_and(|text| !is_printable(text)) {
        errors.add(format!("{path}.default"), "must be printable ASCII");
    } else if default.is_some_and(|text| text.trim() != text) {
        errors.add(format!("{path}.default"), "must not begin or end with a space");
    }
}
