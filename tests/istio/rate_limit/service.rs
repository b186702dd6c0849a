//! A limit at the gateway that a rate-limit service outside the mesh counts.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    client::Request,
    process::wait_until,
    rate_limit_service::{Limit, LimitadorService, Limits, RateLimitHeaders, Unit},
};

use super::{
    FILTER, PROBES, TIMEOUT,
    gateway::{check_admitted, send},
    is_active, probe_entry, statuses,
};
use crate::{mesh::Mesh, report};

/// The host of the service in the sample.
const HOST: &str = "limits.example.com";
const PORT: u16 = 8081;
const DOMAIN: &str = "shop";
/// Requests of each user that the service admits.
const GLOBAL: u32 = 5;
/// Requests of each user that the pod admits without the service.
const LOCAL: usize = 3;

/// Without its ServiceEntry the service is unknown. With it the service counts each user, and after
/// the service has stopped `failureMode` decides.
pub(super) fn through_a_service_entry(mesh: &Mesh) -> Result<()> {
    let limits = Limit::new(GLOBAL, Unit::Hour).entry("limit", "user").any("header");
    let limits = Limits::new(DOMAIN).limit(limits);
    let service = LimitadorService::start(&limits, RateLimitHeaders::None)?;
    let mark = mesh.log_mark();
    apply(mesh, "DENY", 471)?;
    check_denied(mesh, "unknown")?;
    let cluster = format!("outbound|{PORT}||{HOST}");
    report(&mesh.wait_for_log(mark, &format!("{cluster} is down: unknown cluster"))?);

    let port = service.address().port().to_string();
    mesh.apply(&include_str!("service.yaml").replace("$SERVICE_PORT", &port))?;
    wait_until("calling the service from every worker", TIMEOUT, || is_called(mesh, &service))?;
    let (granted, users) = (service.granted(), ["alice", "bob"]);
    for user in users {
        check_admitted(mesh, &request_of(user), usize::try_from(GLOBAL)?)?;
    }
    let granted = service.granted().saturating_sub(granted);
    ensure!(granted == u64::from(GLOBAL) * 2, "the service granted {granted} to {users:?}");

    drop(service);
    check_denied(mesh, "carol")?;
    apply(mesh, "LOCAL", 472)?;
    for user in ["alice", "dave"] {
        check_admitted(mesh, &request_of(user), LOCAL)?;
    }
    Ok(())
}

/// Applies a limit that the service counts for each `x-user`, and waits until every worker uses it.
fn apply(mesh: &Mesh, failure_mode: &str, probe: u16) -> Result<()> {
    let limit = json!({
        "name": "user", "requests": LOCAL, "per": "1h", "scope": "GLOBAL",
        "key": [{"httpHeaderName": "x-user"}],
    });
    let document = json!({
        "rateLimitService": {
            "service": HOST, "port": PORT, "domain": DOMAIN, "mode": "EXACT", "timeout": "2s",
            "failureMode": failure_mode,
        },
        "http": [probe_entry(probe), {"name": "all", "limits": [limit]}],
    });
    mesh.apply_plugin(FILTER, &document)?;
    wait_until("limiting", TIMEOUT, || is_active(|request| send(mesh, request), probe))
}

fn request_of(user: &str) -> Request {
    Request::get("/").header("x-user", user)
}

/// Fails unless every worker refuses `user` because it gets no answer.
fn check_denied(mesh: &Mesh, user: &str) -> Result<()> {
    let found = statuses(|request| send(mesh, request), &request_of(user), PROBES)?;
    ensure!(found == [503; PROBES], "without the service: {found:?}");
    Ok(())
}

/// Returns `true` if every worker admits users without a count.
fn is_called(mesh: &Mesh, service: &LimitadorService) -> Result<bool> {
    // Each admitted request increases the number, so no user reaches the limit.
    let user = || format!("probe-{}", service.granted());
    let found = (0..PROBES).map(|_| send(mesh, request_of(&user())));
    Ok(found.collect::<Result<Vec<_>>>()? == [200; PROBES])
}
