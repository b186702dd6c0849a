//! Malicious requests and configurations.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{client::Request, load::load};

use super::Fixture;

#[test]
fn accepts_any_byte_in_header_values() -> Result<()> {
    let fixture = Fixture::start_with(
        4,
        &json!({"http": [{
        "match": [{"headers": {"x-any": {"regex": "never"}}}, {"queryParams": {"q": {"exact": "1"}}}],
        "fault": {"delay": {"headerDelay": {}, "percentage": {"value": 100}},
            "abort": {"headerAbort": {}, "percentage": {"value": 100}}}}]}),
    )?;
    for byte in 0x80..=0xFF_u8 {
        let mut request = Request::get("/").header("x-any", [b'a', byte]).header("cookie", [byte]);
        for name in ["delay-request", "abort-request", "abort-grpc-request"] {
            request = request.header(&format!("x-envoy-fault-{name}"), [byte, b'5']);
        }
        assert_eq!(fixture.envoy.http1().send(request)?.status, 200, "byte {byte:#x}");
    }
    assert_no_trap(&fixture)
}

#[test]
fn requested_delays_stay_within_limits() -> Result<()> {
    let fixture = Fixture::start(&json!({"maxDelay": "50ms", "http": [{"name": "x",
        "match": [{"headers": {"x-tester": {}}}],
        "fault": {"delay": {"headerDelay": {}, "percentage": {"value": 100}}}}]}))?;
    let client = fixture.envoy.http1();
    for value in
        ["50", "3600000", "18446744073709551615", "99999999999999999999999", "1e9", "\u{e9}"]
    {
        let requested = Request::get("/").header("x-envoy-fault-delay-request", value);
        let started = std::time::Instant::now();
        assert_eq!(client.send(requested.clone())?.status, 200, "{value} without x-tester");
        assert_eq!(client.send(requested.header("x-tester", "1"))?.status, 200, "{value}");
        assert!(started.elapsed() < std::time::Duration::from_secs(2), "{value}");
    }
    assert_eq!(fixture.stat("delays_total")?, 3);
    assert_no_trap(&fixture)
}

#[test]
fn random_fault_headers_fail_no_request() -> Result<()> {
    let fixture = Fixture::start_with(4, &on_demand())?;
    let seed = fault_injection::Generator::new(41);
    let responses = load(fixture.envoy.address(), 16, move |number| {
        let mut generator = seed;
        let mut bits =
            || generator.bits().rotate_left(u32::try_from(number % 64).unwrap_or(0)) ^ number;
        let mut request = hyper::Request::get("/").header("host", "a").header("x-tester", "1");
        for name in
            ["delay-request", "abort-request", "throughput-response", "abort-request-percentage"]
        {
            // Either bytes of 0x80 and above, or digits.
            let value: Vec<u8> = bits().to_le_bytes().map(|byte| byte | 0x80).into();
            let digits = bits().to_string().into_bytes();
            let value = if bits() % 2 == 0 { value } else { digits };
            request = request.header(format!("x-envoy-fault-{name}"), value);
        }
        (number < 4_000).then(|| request.body(http_body_util::Empty::new()).unwrap_or_default())
    })?;
    assert!(responses.iter().all(|response| response.status == 200));
    assert_no_trap(&fixture)
}

/// Allows delays, aborts and rate limits by header for requests with `x-tester`.
fn on_demand() -> Value {
    let all = json!({"value": 100});
    json!({"maxDelay": "1ms", "http": [{"name": "x", "match": [{"headers": {"x-tester": {}}}], "fault": {
        "delay": {"headerDelay": {}, "percentage": all},
        "abort": {"headerAbort": {}, "percentage": all},
        "responseRateLimit": {"fixedLimit": {"limitKbps": 1_048_576}, "percentage": all}}}]})
}

#[test]
fn no_configuration_traps() -> Result<()> {
    let mut fixture = Fixture::start(&on_demand())?;
    let pointers = [
        "/http",
        "/http/0",
        "/http/0/match",
        "/http/0/match/0",
        "/http/0/fault",
        "/http/0/fault/delay",
        "/http/0/fault/abort",
        "/maxDelay",
        "/http/0/fault/abort/percentage",
    ];
    let values = [json!(null), json!([]), json!({}), json!(-1), json!("\u{0}\u{ff}"), json!(1e300)];
    for (index, pointer) in pointers.iter().enumerate() {
        for value in values.iter().skip(index % 2).step_by(2) {
            let mut document = on_demand();
            *document.pointer_mut(pointer).context("no such value")? = value.clone();
            let filter = [super::filter(&document)];
            // Accepted or rejected, Envoy must keep serving.
            let _ = fixture.envoy.reconfigure(&filter);
            assert_eq!(fixture.envoy.http1().get("/")?.status, 200, "{document}");
        }
    }
    assert_no_trap(&fixture)
}

/// Fails if a VM has trapped since Envoy started.
fn assert_no_trap(fixture: &Fixture) -> Result<()> {
    let log = fixture.envoy.log();
    for word in ["panicked", "Function: proxy_on", "wasm_fail_stream"] {
        assert!(!log.contains(word), "{word}:\n{log}");
    }
    Ok(())
}
