//! All filters in one chain, each with its own module, and the shipped bootstrap.

use std::{fs, os::unix::fs::symlink};

use anyhow::{Context, Result};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::{self, Envoy},
    repository,
    upstream::Upstream,
};

#[test]
fn shipped_filters_serve_with_four_workers() -> Result<()> {
    let app = Upstream::start()?;
    let filters = repository::filter_order()?.iter().map(|name| Filter::shipped(name)).collect();
    let options = EnvoyOptions { concurrency: 4, ..EnvoyOptions::new(app.address(), filters) };
    let mut envoy = Envoy::start(options)?;
    for client in [envoy.http1(), envoy.http2()] {
        for _ in 0..8 {
            assert_eq!(client.get("/orders")?.status, 200);
            let refused = client.send(Request::get("/orders").bearer("a.b.c"))?;
            assert_eq!(refused.status, 401);
        }
    }
    assert_eq!(app.count(), 16);
    let log = envoy.wait_for_access_log(32)?;
    assert_eq!(log.iter().filter(|line| line["details"] == "via_upstream").count(), 16);
    Ok(())
}

#[test]
fn shipped_bootstrap_is_valid() -> Result<()> {
    // A working directory with the modules at the paths of the bootstrap.
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("target"))?;
    let modules = repository::module(repository::SUITE)?;
    let modules = modules.parent().context("no folder")?;
    symlink(modules, folder.path().join("target/wasm"))?;
    envoy::validate(&repository::root().join("envoy/bootstrap.yaml"), folder.path())
}
