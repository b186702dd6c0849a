//! The rate-limit services of the harness, without Envoy.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::Signal;
use tests::rate_limit_service::{
    Code, Limit, LimitadorService, Limits, RateLimitHeaders, RateLimitRequest, RateLimitResponse,
    RatelimitService, Unit, call, should_rate_limit,
};

mod fake;
mod native;

const DOMAIN: &str = "shop";

/// Five requests per minute of each user, two per year for `/slow` of each user, one for `/login`.
fn limits() -> Limits {
    Limits::new(DOMAIN)
        .limit(Limit::new(5, Unit::Minute).any("user"))
        .limit(Limit::new(2, Unit::Year).entry("path", "/slow").any("user"))
        .limit(Limit::new(1, Unit::Year).entry("path", "/login"))
}

fn request(user: &str) -> RateLimitRequest {
    RateLimitRequest::new(DOMAIN, &[("user", user)])
}

fn code(address: SocketAddr, request: &RateLimitRequest) -> Result<Code> {
    Ok(should_rate_limit(address, request)?.overall_code())
}

fn codes(address: SocketAddr, request: &RateLimitRequest, count: usize) -> Result<Vec<Code>> {
    (0..count).map(|_| code(address, request)).collect()
}

/// Returns the responses to `count` requests of a new user within one minute of the clock.
fn in_one_minute(address: SocketAddr, count: usize) -> Result<Vec<RateLimitResponse>> {
    let minute = || -> Result<u64> {
        Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs() / 60)
    };
    // A minute can end once, not twice in a row.
    for user in ["ada", "bob"] {
        let begin = minute()?;
        let request = request(user);
        let responses: Result<Vec<_>> =
            (0..count).map(|_| should_rate_limit(address, &request)).collect();
        if minute()? == begin {
            return responses;
        }
    }
    bail!("two minutes ended within {count} requests each")
}

/// Limits that both services apply to the same requests.
fn assert_limits(address: SocketAddr) -> Result<()> {
    let responses = in_one_minute(address, 6)?;
    let codes_in_minute: Vec<_> = responses.iter().map(RateLimitResponse::overall_code).collect();
    assert_eq!(codes_in_minute, [[Code::Ok; 5].as_slice(), &[Code::OverLimit]].concat());
    for user in ["eve", "joe"] {
        let slow = RateLimitRequest::new(DOMAIN, &[("path", "/slow"), ("user", user)]);
        assert_eq!(codes(address, &slow, 3)?, [Code::Ok, Code::Ok, Code::OverLimit]);
    }
    let login = RateLimitRequest::new(DOMAIN, &[("path", "/login")]);
    assert_eq!(codes(address, &login, 2)?, [Code::Ok, Code::OverLimit]);
    for unlimited in [
        RateLimitRequest::new(DOMAIN, &[("path", "/")]),
        RateLimitRequest::new("elsewhere", &[("path", "/login")]),
    ] {
        assert_eq!(codes(address, &unlimited, 3)?, [Code::Ok; 3]);
    }
    Ok(())
}

#[test]
fn ratelimit_limits() -> Result<()> {
    let service = RatelimitService::start(&limits())?;
    assert_limits(service.address())?;
    let responses = in_one_minute(service.address(), 2)?;
    let status = responses[1].statuses.first().context("no status")?;
    let limit = status.current_limit.as_ref().context("no limit")?;
    assert_eq!((limit.requests_per_unit, limit.unit), (5, Unit::Minute as i32));
    let reset = status.duration_until_reset.context("no reset")?;
    assert!((1..=60).contains(&reset.seconds), "{status:?}");
    Ok(())
}

#[test]
fn ratelimit_counts_rejected_hits_and_limitador_does_not() -> Result<()> {
    let limits = Limits::new(DOMAIN).limit(Limit::new(5, Unit::Year).any("user"));
    let request = request("ada");
    let ratelimit = RatelimitService::start(&limits)?;
    let limitador = LimitadorService::start(&limits, RateLimitHeaders::None)?;
    for (address, after) in
        [(ratelimit.address(), Code::OverLimit), (limitador.address(), Code::Ok)]
    {
        assert_eq!(code(address, &request.clone().hits(4))?, Code::Ok);
        assert_eq!(code(address, &request.clone().hits(2))?, Code::OverLimit);
        assert_eq!(code(address, &request)?, after);
        assert_eq!(code(address, &request)?, Code::OverLimit);
    }
    assert_eq!(limitador.granted(), 5);
    Ok(())
}

#[test]
fn ratelimit_keeps_counts_when_it_restarts() -> Result<()> {
    let mut service = RatelimitService::start(&limits())?;
    let login = RateLimitRequest::new(DOMAIN, &[("path", "/login")]);
    assert_eq!(code(service.address(), &login)?, Code::Ok);
    let address = service.address();
    service.signal(Signal::KILL)?;
    service.restart()?;
    assert_eq!(service.address(), address);
    assert_eq!(code(address, &login)?, Code::OverLimit);
    service.signal_redis(Signal::KILL)?;
    let failed = call(address, &login)?;
    assert!(failed.grpc_status().is_some_and(|status| status != "0"), "{failed:?}");
    Ok(())
}

#[test]
fn ratelimit_hangs_while_it_is_stopped() -> Result<()> {
    let service = RatelimitService::start(&limits())?;
    let address = service.address();
    let login = RateLimitRequest::new(DOMAIN, &[("path", "/login")]);
    service.signal(Signal::STOP)?;
    let open = thread::spawn(move || code(address, &login));
    service.signal(Signal::CONT)?;
    assert_eq!(open.join().map_err(|_| anyhow!("a client panicked"))??, Code::Ok);
    service.signal(Signal::STOP)?;
    let begin = Instant::now();
    drop(service);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    Ok(())
}

#[test]
fn ratelimit_applies_settings_and_limits_of_requests() -> Result<()> {
    let settings = [("LIMIT_RESPONSE_HEADERS_ENABLED", "true")];
    let service = RatelimitService::start_with(&limits(), &settings)?;
    let mut request = RateLimitRequest::new(DOMAIN, &[("tenant", "acme")]);
    request.descriptors[0].limit = Some(Unit::Year.limit(1));
    let response = should_rate_limit(service.address(), &request)?;
    assert_eq!(response.overall_code(), Code::Ok);
    let headers = response.response_headers_to_add.iter();
    let names: Vec<_> = headers.map(|header| header.key.as_str()).collect();
    assert_eq!(names, ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]);
    assert_eq!(code(service.address(), &request)?, Code::OverLimit);
    Ok(())
}

#[test]
fn limitador_limits() -> Result<()> {
    let service = LimitadorService::start(&limits(), RateLimitHeaders::None)?;
    assert_limits(service.address())?;
    let without_domain = RateLimitRequest::new("", &[("path", "/")]);
    let response = should_rate_limit(service.address(), &without_domain)?;
    assert_eq!(response, RateLimitResponse::new(Code::Unknown));
    Ok(())
}

#[test]
fn limitador_sends_headers() -> Result<()> {
    let service = LimitadorService::start(&limits(), RateLimitHeaders::DraftVersion03)?;
    let login = RateLimitRequest::new(DOMAIN, &[("path", "/login")]);
    for code in [Code::Ok, Code::OverLimit] {
        let response = should_rate_limit(service.address(), &login)?;
        assert_eq!((response.overall_code(), response.statuses.len()), (code, 0));
        let headers = response.response_headers_to_add.iter();
        let headers: Vec<_> = headers.map(|h| (h.key.as_str(), h.value.as_str())).collect();
        let [limit, remaining, (name, reset)] = headers[..] else { panic!("{headers:?}") };
        assert_eq!(limit, ("X-RateLimit-Limit", "1, 1;w=31536000"));
        assert_eq!(remaining, ("X-RateLimit-Remaining", "0"));
        assert_eq!(name, "X-RateLimit-Reset");
        assert!((31_535_900..=31_536_000).contains(&reset.parse::<u64>()?), "{reset}");
    }
    Ok(())
}
