//! Protected paths stay protected regardless of how the application decodes a request.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::{Protocol, Request},
    envoy::Envoy,
    identity_provider::IdentityProvider,
    wire::{self, RecordedRequest, Recorder},
};

use super::{FILTER, Fixture, trusting, with};

mod generated;
mod servers;

/// Number of generated paths.
const PATHS: usize = 10_000;
/// Number of generated paths that are also sent without the filter.
const CONTROL_PATHS: usize = 500;

/// Known attacks on path rules.
const KNOWN_ATTACKS: [&[u8]; 20] = [
    b"/public/%2e%2e;/admin",
    b"/public/..;/admin",
    b"/public/..;x=1/admin",
    b"/public/.;/../admin",
    b"/public/..%3b/admin",
    b"/public%2f..%2fadmin",
    b"/public/%2e%2e%2fadmin",
    b"/public/%252e%252e/admin",
    b"/public%252f..%252fadmin",
    b"/public/..%5cadmin",
    b"/public%5c..%5cadmin",
    b"/public/%c0%ae%c0%ae/admin",
    b"/public/..%c0%afadmin",
    b"//admin",
    b"/;/admin",
    b"/%61dmin",
    b"/admin%20",
    b"/admin%09",
    b"/admin%00",
    b"/admin/\xff",
];

/// Two Envoys in a row, the first with a filter, and the application.
struct ProxyChain {
    first: Envoy,
    second: Envoy,
    app: Recorder,
}

impl ProxyChain {
    /// Starts both Envoys, the first with this filter, and the application.
    fn start(filter: Filter, merge_slashes: bool) -> Result<Self> {
        let app = Recorder::start()?;
        let manager = manager(true, merge_slashes);
        let options = EnvoyOptions::new(app.address(), vec![]);
        let clusters = vec![app.cluster()];
        let second = Envoy::start(EnvoyOptions { clusters, manager: manager.clone(), ..options })?;
        let options = EnvoyOptions::new(second.address(), vec![filter]);
        let first = Envoy::start(EnvoyOptions { manager, ..options })?;
        Ok(Self { first, second, app })
    }

    /// Sends the targets without a token and returns the requests that reached the application.
    fn send(&self, to: &Envoy, targets: &[Vec<u8>]) -> Result<Vec<RecordedRequest>> {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            wire::send_all(to.address(), protocol, targets)?;
        }
        Ok(self.app.take())
    }
}

/// Returns the filter with an issuer whose tokens are never sent.
fn filter(rules: Value) -> Result<Filter> {
    let issuer = IdentityProvider::start()?;
    Ok(Filter::new(FILTER, with(trusting(&issuer), "rules", rules)))
}

/// Returns the settings of the proxy's own path normalization, which precedes all filters.
fn manager(normalize_path: bool, merge_slashes: bool) -> Vec<(String, Value)> {
    vec![
        ("normalize_path".to_owned(), json!(normalize_path)),
        ("merge_slashes".to_owned(), json!(merge_slashes)),
        ("path_with_escaped_slashes_action".to_owned(), json!("KEEP_UNCHANGED")),
    ]
}

/// Returns rules by which everything below `/public` is open and the rest needs a token.
fn open_prefix() -> Value {
    json!([{"match": [{"uri": {"prefix": "/public"}}], "token": "NONE"}, {}])
}

/// Returns rules by which everything below `/admin` needs a token and the rest is open.
fn protected_prefix() -> Value {
    json!([{"match": [{"uri": {"prefix": "/admin"}}]}, {"token": "NONE"}])
}

/// Sends known and generated paths, and fails if one arrives that a server reads as a protected
/// path.
pub(crate) fn assert_no_bypass(
    is_protected: fn(&[u8]) -> bool,
    filter: Filter,
    merge_slashes: bool,
) -> Result<()> {
    let chain = ProxyChain::start(filter, merge_slashes)?;
    let known = KNOWN_ATTACKS.iter().map(|path| path.to_vec());
    let targets: Vec<_> = known.chain(generated::paths(PATHS)).collect();
    // Control group: without the filter, attacks must succeed.
    let control = targets.get(..CONTROL_PATHS).unwrap_or_default();
    let control_group = bypasses(&chain.send(&chain.second, control)?, control, is_protected);
    let requests = chain.send(&chain.first, &targets)?;
    let bypassed = bypasses(&requests, &targets, is_protected);
    eprintln!(
        "{} of {} requests arrived, {} at a protected path; without the filter {} of {}",
        requests.len(),
        targets.len().saturating_mul(2),
        bypassed.len(),
        control_group.len(),
        control.len().saturating_mul(2)
    );
    ensure!(control_group.len() > CONTROL_PATHS / 5, "too few attacks among the paths");
    ensure!(requests.len() > PATHS / 20, "the filter denies too many requests");
    let first: Vec<_> = bypassed.iter().take(40).map(String::as_str).collect();
    ensure!(
        bypassed.is_empty(),
        "{} requests arrived at a protected path:\n{}",
        bypassed.len(),
        first.join("\n")
    );
    Ok(())
}

/// Describes the requests that arrived although a server decodes them as protected paths.
fn bypasses(
    requests: &[RecordedRequest],
    targets: &[Vec<u8>],
    is_protected: fn(&[u8]) -> bool,
) -> Vec<String> {
    let bypass = |request: &RecordedRequest| {
        let (server, path) = servers::decodes_to(&request.target, is_protected)?;
        let sent = request.case.and_then(|case| targets.get(case)).map_or(&b"?"[..], Vec::as_slice);
        let [sent, arrived, path] = [sent, &request.target, &path].map(<[u8]>::escape_ascii);
        Some(format!("{sent} arrived as {arrived}, which is {path} to {server}"))
    };
    requests.iter().filter_map(bypass).collect()
}

#[test]
fn no_path_escapes_an_open_prefix() -> Result<()> {
    assert_no_bypass(|path| !path.starts_with(b"/public"), filter(open_prefix())?, false)
}

#[test]
fn no_path_escapes_an_open_prefix_with_merged_slashes() -> Result<()> {
    assert_no_bypass(|path| !path.starts_with(b"/public"), filter(open_prefix())?, true)
}

#[test]
fn no_path_enters_a_protected_prefix() -> Result<()> {
    assert_no_bypass(|path| path.starts_with(b"/admin"), filter(protected_prefix())?, false)
}

#[test]
fn invalid_utf8_bypasses_no_rule() -> Result<()> {
    let rules = json!([
        {"name": "path", "match": [{"uri": {"prefix": "/admin"}}]},
        {"name": "query", "match": [{"queryParams": {"scope": {"prefix": "admin"}}}]},
        {"name": "rest", "token": "NONE"},
    ]);
    let app = Recorder::start()?;
    let options = EnvoyOptions::new(app.address(), vec![filter(rules)?]);
    let clusters = vec![app.cluster()];
    let mut envoy =
        Envoy::start(EnvoyOptions { clusters, manager: manager(false, false), ..options })?;
    let protected: [&[u8]; 5] = [
        b"/admin/\xff",
        b"/admin\xff",
        b"/admin/\xc3\x28",
        b"/?scope=admin%ff",
        b"/?scope=admin\xff",
    ];
    wire::send_all(envoy.address(), Protocol::Http2, &protected)?;
    assert_eq!(app.take(), []);
    for line in envoy.wait_for_access_log(protected.len())? {
        assert_eq!(line["status"], 401, "{line}");
    }
    wire::send_all(envoy.address(), Protocol::Http2, &[b"/open/?scope=user"])?;
    assert_eq!(app.take().len(), 1);
    Ok(())
}

#[test]
fn protects_an_authority_in_every_spelling() -> Result<()> {
    let rules = json!([
        {"match": [{"authority": {"exact": "admin.example.com"}}]},
        {"token": "NONE"},
    ]);
    let fixture = Fixture::start(|issuer| with(trusting(issuer), "rules", rules))?;
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        let open = client.send(Request::get("/").authority("app.example.com"))?;
        assert_eq!(open.status, 200);
        for authority in [
            "admin.example.com",
            "ADMIN.example.com",
            "admin.example.com:81",
            "admin.example.com.",
            "Admin.Example.Com.:8080",
        ] {
            let response = client.send(Request::get("/").authority(authority))?;
            // 403 if the readings disagree, because then no token can help.
            assert!([401, 403].contains(&response.status), "{authority}: {}", response.status);
        }
    }
    assert_eq!(fixture.app.count(), 2);
    Ok(())
}
