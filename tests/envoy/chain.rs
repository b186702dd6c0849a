//! All filters in one chain, as in `envoy/bootstrap.yaml`.

use std::{fs, os::unix::fs::symlink};

use anyhow::{Context, Result};
use tests::{
    bootstrap::{Filter, Setup},
    client::Request,
    envoy::{self, Envoy},
    repository,
    upstream::Upstream,
};

#[test]
fn the_shipped_bootstrap_serves_with_four_workers() -> Result<()> {
    let app = Upstream::start()?;
    let filters = repository::filters()?.iter().map(|name| Filter::shipped(name)).collect();
    let setup = Setup { concurrency: 4, ..Setup::new(app.address(), filters) };
    let mut envoy = Envoy::start(setup)?;
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
fn the_shipped_bootstrap_runs_as_it_is() -> Result<()> {
    // A working directory with the modules at the paths of the bootstrap.
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("target"))?;
    for filter in repository::filters()? {
        let modules = repository::module(&filter)?;
        let modules = modules.parent().context("no folder")?;
        let link = folder.path().join("target/wasm");
        if !link.exists() {
            symlink(modules, link)?;
        }
    }
    envoy::validate(&repository::root().join("envoy/bootstrap.yaml"), folder.path())
}
