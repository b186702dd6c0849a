//! Paths in many spellings, sent unmodified and without a token.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::json;
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Protocol,
    envoy::Envoy,
    keys::Keys,
    wire::{self, Recorder},
};

use super::token_builder::ISSUER;

/// The intended differences, named as in the README.
pub(super) const KNOWN_DIFFERENCES: [&str; 1] = ["readings"];

const STARTS: [&[u8]; 5] = [b"/public", b"/admin", b"/closed", b"/other", b"/"];
const ENDS: [&[u8]; 22] = [
    b"",
    b"/",
    b"/a",
    b"/a?b=/admin",
    b"/a%20b",
    b"/a%2Fb",
    b"/a;v=1/b",
    b"/a//b",
    b"/\xff",
    b"/%ff",
    b"/../admin",
    b"/%2e%2e/admin",
    b"/%252e%252e/admin",
    b"/..;/admin",
    b"/%2e%2e;x=1/admin",
    b"/..%3b/admin",
    b"/..%2fadmin",
    b"/..%5cadmin",
    b"/..%c0%afadmin",
    b"/../public",
    b"/..;/closed/x",
    b"/%61dmin",
];

#[test]
fn path_decisions_differ_from_native_only_as_intended() -> Result<()> {
    let paths: Vec<Vec<u8>> =
        STARTS.iter().flat_map(|start| ENDS.map(|end| [start, end].concat())).collect();
    let mut occurred = BTreeSet::new();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let (ours, native) =
            (admitted(ours()?, protocol, &paths)?, admitted(native()?, protocol, &paths)?);
        assert!(
            ours.len() > 20 && ours.len() < native.len(),
            "{} and {}",
            ours.len(),
            native.len()
        );
        for (case, path) in paths.iter().enumerate() {
            let shown = path.escape_ascii();
            match (ours.contains(&case), native.contains(&case)) {
                (true, false) => panic!("only jwt-auth admits {shown}"),
                (false, true) => {
                    let odd = |byte: &u8| matches!(byte, b'%' | b';' | b'.') || !byte.is_ascii();
                    let is_odd = path.iter().any(odd) || path.starts_with(b"//");
                    assert!(is_odd, "only jwt-auth refuses {shown}");
                    occurred.insert("readings")
                }
                _ => false,
            };
        }
    }
    assert_eq!(occurred, BTreeSet::from(KNOWN_DIFFERENCES), "remove the others from the list");
    Ok(())
}

/// Returns the indexes of the paths that reach the application without a token.
fn admitted(filter: Filter, protocol: Protocol, paths: &[Vec<u8>]) -> Result<BTreeSet<usize>> {
    let app = Recorder::start()?;
    let options = EnvoyOptions::new(app.address(), vec![filter]);
    let manager = vec![
        ("normalize_path".to_owned(), json!(false)),
        ("path_with_escaped_slashes_action".to_owned(), json!("KEEP_UNCHANGED")),
    ];
    let envoy = Envoy::start(EnvoyOptions { clusters: vec![app.cluster()], manager, ..options })?;
    wire::send_all(envoy.address(), protocol, paths)?;
    Ok(app.take().into_iter().filter_map(|request| request.case).collect())
}

fn ours() -> Result<Filter> {
    let jwks = Keys::shared()?.jwks().to_string();
    Ok(Filter::new(
        "jwt-auth",
        json!({
            "jwtRules": [{"issuer": ISSUER, "jwks": jwks}],
            "rules": [
                {"match": [{"uri": {"prefix": "/public"}}], "token": "NONE"},
                {"match": [{"uri": {"regex": "/closed/.*"}}]},
                {"match": [{"uri": {"prefix": "/admin"}}]},
                {"token": "NONE"},
            ],
        }),
    ))
}

fn native() -> Result<Filter> {
    let jwks = Keys::shared()?.jwks().to_string();
    let requires = json!({"provider_name": "p"});
    Ok(Filter::native(json!({"name": "jwt_authn", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"p": {"issuer": ISSUER, "local_jwks": {"inline_string": jwks}}},
        "rules": [
            {"match": {"prefix": "/public"}},
            {"match": {"safe_regex": {"regex": "/closed/.*"}}, "requires": requires},
            {"match": {"prefix": "/admin"}, "requires": requires},
        ],
    }})))
}
