//! Keys survive a trap of a VM.
//!
//! jwt-auth has no known way to trap, so the tests patch a trap into its module.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use jsonwebtoken::Algorithm;
use serde_json::json;
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    identity_provider::{Behaviour, IdentityProvider},
    repository,
    upstream::Upstream,
};
use walrus::{ExportItem, FunctionBuilder, InstrSeqBuilder, Module, ValType, ir::BinaryOp};

use super::{
    FILTER, Fixture,
    key_fetching::{fetching, send, stat},
};

/// A request with more headers than this traps.
const MANY: i32 = 40;

/// Timeout until a worker notices an expired lease.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The condition of a patched trap.
enum Trap {
    /// When the response to an HTTP call arrives.
    Answer,
    /// When a request has more than [`MANY`] headers.
    ManyHeaders,
}

/// Writes a copy of the filter's module that traps.
fn trapping(trap: &Trap, folder: &Path) -> Result<String> {
    let mut module = Module::from_buffer(&fs::read(repository::module(FILTER)?)?)?;
    let (name, parameters, results) = match trap {
        Trap::Answer => ("proxy_on_http_call_response", 5, vec![]),
        Trap::ManyHeaders => ("proxy_on_request_headers", 3, vec![ValType::I32]),
    };
    let original = module.exports.get_func(name)?;
    let types = vec![ValType::I32; parameters];
    let mut builder = FunctionBuilder::new(&mut module.types, &types, &results);
    let locals: Vec<_> = types.iter().map(|kind| module.locals.add(*kind)).collect();
    let mut body = builder.func_body();
    match trap {
        Trap::Answer => _ = body.unreachable(),
        Trap::ManyHeaders => {
            let headers = *locals.get(1).context("no second parameter")?;
            body.local_get(headers).i32_const(MANY).binop(BinaryOp::I32GtU);
            let trap = |then: &mut InstrSeqBuilder<'_>| _ = then.unreachable();
            body.if_else(None, trap, |_| {});
            for local in &locals {
                body.local_get(*local);
            }
            body.call(original);
        }
    }
    let function = builder.finish(locals, &mut module.funcs);
    let export = module.exports.iter_mut().find(|export| export.name == name);
    export.context("no such export")?.item = ExportItem::Function(function);
    let path = folder.join("trapping.wasm");
    fs::write(&path, module.emit_wasm())?;
    Ok(path.display().to_string())
}

fn start_fixture(issuer: IdentityProvider, filter: Filter) -> Result<Fixture> {
    let app = Upstream::start()?;
    let options = EnvoyOptions::new(app.address(), vec![filter]);
    let envoy = Envoy::start(EnvoyOptions { keys: Some(issuer.address()), ..options })?;
    Ok(Fixture { envoy, app, issuer })
}

#[test]
fn a_trap_fails_one_request_and_keeps_the_keys() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let issuer = IdentityProvider::start()?;
    let config = fetching(&issuer, &[]);
    let module = trapping(&Trap::ManyHeaders, folder.path())?;
    let fixture = start_fixture(issuer, Filter::new(FILTER, config).module(&module))?;
    assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200);
    fixture.issuer.set_behaviour(Behaviour::Status(500));
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    let mut many = Request::get("/").bearer(&token);
    for index in 0..=MANY {
        many = many.header(&format!("x-{index}"), "1");
    }
    assert_eq!(fixture.envoy.http1().send(many)?.status, 503);
    // A VM that trapped soon after its start is restarted after a second.
    let started = Instant::now();
    while send(&fixture, Algorithm::ES256)?.status != 200 {
        ensure!(started.elapsed() < TIMEOUT, "no new VM\n{}", fixture.envoy.log());
        thread::sleep(Duration::from_millis(50));
    }
    for _ in 0..10 {
        let response = send(&fixture, Algorithm::ES256)?;
        assert_eq!(response.status, 200, "{}\n{}", response.text(), fixture.envoy.log());
    }
    assert_eq!(fixture.envoy.http1().send(Request::get("/").bearer("a.b.c"))?.status, 401);
    assert_eq!(fixture.issuer.jwks_requests(), 1, "the keys came from shared data");
    Ok(())
}

#[test]
fn the_fetch_lease_of_a_trapped_worker_expires() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let issuer = IdentityProvider::start()?;
    issuer.set_behaviour(Behaviour::Slow(Duration::from_millis(500)));
    let mut config = fetching(&issuer, &[("maxPause", json!("10s"))]);
    config["jwtRules"][0]["timeout"] = json!("3s");
    let module = trapping(&Trap::Answer, folder.path())?;
    let trapping = Filter::new(FILTER, config.clone()).module(&module);
    let mut fixture = start_fixture(issuer, trapping)?;
    fixture.envoy.wait_for_log("Function: proxy_on_http_call_response failed")?;
    let started = Instant::now();
    // Every worker that takes the lease traps as well.
    while fixture.issuer.jwks_requests() < 2 {
        ensure!(started.elapsed() < TIMEOUT, "no worker takes the lease\n{}", fixture.envoy.log());
        thread::sleep(Duration::from_millis(20));
    }
    // The lease is valid for four seconds and was taken half a second before the trap.
    ensure!(started.elapsed() > Duration::from_secs(2), "taken after {:?}", started.elapsed());
    fixture.issuer.set_behaviour(Behaviour::Healthy);
    fixture.envoy.reconfigure(&[Filter::new(FILTER, config)])?;
    assert_eq!(send(&fixture, Algorithm::ES256)?.status, 200, "{}", fixture.envoy.log());
    thread::sleep(Duration::from_millis(100));
    assert_eq!(stat(&fixture, "held_requests")?, 0);
    Ok(())
}
