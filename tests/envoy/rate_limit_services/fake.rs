//! The fake rate-limit service.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use prost::Message;
use tests::{
    client::{Client, Request},
    process::wait_until,
    rate_limit_service::{
        Behaviour, Code, Descriptor, FakeRateLimitService, RateLimitRequest, RateLimitResponse,
        SHOULD_RATE_LIMIT, call, should_rate_limit,
    },
};

fn request() -> RateLimitRequest {
    RateLimitRequest::new("shop", &[("user", "ada"), ("path", "/")])
}

/// Returns the gRPC status and the body of a response.
fn outcome(service: &FakeRateLimitService) -> Result<(String, Vec<u8>)> {
    let response = call(service.address(), &request())?;
    Ok((response.grpc_status().unwrap_or("none").to_owned(), response.body.to_vec()))
}

#[test]
fn answers_and_records_calls() -> Result<()> {
    let minute = Some(Duration::from_millis(59_500));
    let answer = RateLimitResponse::new(Code::OverLimit)
        .status(0, minute)
        .status(7, None)
        .response_header("x-limit", "7")
        .request_header("x-limited", "yes")
        .body("slow down");
    let service = FakeRateLimitService::start(Behaviour::Answer(answer.clone()))?;
    let mut request = request().hits(3);
    request.descriptors.push(Descriptor::new(&[("path", "/a")]));
    request.descriptors[1].hits_addend = Some(0);
    let before = Instant::now();
    assert_eq!(should_rate_limit(service.address(), &request)?, answer);
    let calls = service.calls();
    let call = calls.first().context("no call")?;
    assert_eq!(call.request, request);
    assert!(call.arrival >= before && call.arrival <= Instant::now());
    assert_eq!(call.headers["te"], "trailers");
    Ok(())
}

#[test]
fn changes_its_behaviour() -> Result<()> {
    let service = FakeRateLimitService::start(Behaviour::ok())?;
    let code =
        || Ok::<_, anyhow::Error>(should_rate_limit(service.address(), &request())?.overall_code());
    assert_eq!(code()?, Code::Ok);
    service.set_behaviour(Behaviour::unknown());
    assert_eq!(code()?, Code::Unknown);
    let mut left = 1_u32;
    service.set_script(move |request| match left.checked_sub(request.hits_addend.max(1)) {
        Some(rest) => {
            left = rest;
            Behaviour::ok()
        }
        None => Behaviour::over_limit(Duration::from_secs(1)),
    });
    assert_eq!((code()?, code()?), (Code::Ok, Code::OverLimit));
    assert_eq!(service.count(), 4);
    Ok(())
}

#[test]
fn fails_calls() -> Result<()> {
    let service = FakeRateLimitService::start(Behaviour::Error(14, "no room".to_owned()))?;
    assert_eq!(outcome(&service)?, ("14".to_owned(), Vec::new()));
    let ok = RateLimitResponse::new(Code::Ok);
    for (behaviour, body) in [
        (Behaviour::garbage(b"\xff\xff"), &b"\0\0\0\0\x02\xff\xff"[..]),
        (Behaviour::truncated(&ok, 6), b"\0\0\0\0\x02\x08"),
        (Behaviour::truncated(&ok, 3), b"\0\0\0"),
    ] {
        service.set_behaviour(behaviour);
        assert_eq!(outcome(&service)?, ("0".to_owned(), body.to_vec()));
        assert!(should_rate_limit(service.address(), &request()).is_err());
    }
    service.set_behaviour(Behaviour::Body(b"\0".to_vec(), Vec::new()));
    assert_eq!(outcome(&service)?, ("none".to_owned(), b"\0".to_vec()));
    service.set_behaviour(Behaviour::Http(503));
    assert_eq!(call(service.address(), &request())?.status, 503);
    service.set_behaviour(Behaviour::huge(10_000_000));
    assert_eq!(should_rate_limit(service.address(), &request())?.raw_body.len(), 10_000_000);
    for behaviour in [Behaviour::Reset, Behaviour::Close] {
        service.set_behaviour(behaviour);
        assert!(call(service.address(), &request()).is_err());
    }
    Ok(())
}

#[test]
fn delays_answers() -> Result<()> {
    let delay = Duration::from_millis(200);
    let service = FakeRateLimitService::start(Behaviour::ok().after(delay))?;
    let begin = Instant::now();
    assert_eq!(should_rate_limit(service.address(), &request())?.overall_code(), Code::Ok);
    assert!(begin.elapsed() >= delay);
    Ok(())
}

#[test]
fn leaves_calls_open() -> Result<()> {
    let frame_and_more = [&[0, 0, 0, 0, 2][..], &RateLimitResponse::new(Code::Ok).encode_to_vec()];
    for behaviour in [Behaviour::Hang, Behaviour::Stall(frame_and_more.concat())] {
        let service = FakeRateLimitService::start(behaviour)?;
        let address = service.address();
        let open = thread::spawn(move || call(address, &request()));
        wait_until("the call", Duration::from_secs(10), || Ok(service.count() == 1))?;
        assert!(!open.is_finished());
        drop(service);
        assert!(open.join().is_ok_and(|response| response.is_err()));
    }
    Ok(())
}

#[test]
fn refuses_what_is_not_a_call() -> Result<()> {
    let service = FakeRateLimitService::start(Behaviour::ok())?;
    let client = Client::http2(service.address());
    for (path, body, status) in [
        ("/grpc.health.v1.Health/Check", &b"\0\0\0\0\0"[..], "12"),
        (SHOULD_RATE_LIMIT, b"\0\0\0\0\x01\xff", "13"),
        (SHOULD_RATE_LIMIT, b"\0\0\0\0\x02\x18", "13"),
        (SHOULD_RATE_LIMIT, b"\x01\0\0\0\0", "13"),
    ] {
        let response = client.send(Request::grpc(path).body(body))?;
        assert_eq!(response.grpc_status(), Some(status), "{body:?}");
    }
    assert_eq!(service.count(), 0);
    Ok(())
}
