//! Requests that are meant to break something.

use anyhow::Result;
use serde_json::json;
use tests::client::Request;

use super::Rig;

#[test]
fn any_byte_in_any_header_passes_through() -> Result<()> {
    let rig = Rig::start_with(
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
        assert_eq!(rig.envoy.http1().send(request)?.status, 200, "byte {byte:#x}");
    }
    no_trap(&rig)
}

#[test]
fn what_callers_ask_for_stays_in_bounds() -> Result<()> {
    let rig = Rig::start(&json!({"maxDelay": "50ms", "http": [{"name": "x",
        "match": [{"headers": {"x-tester": {}}}],
        "fault": {"delay": {"headerDelay": {}, "percentage": {"value": 100}}}}]}))?;
    let client = rig.envoy.http1();
    for value in
        ["50", "3600000", "18446744073709551615", "99999999999999999999999", "1e9", "\u{e9}"]
    {
        let asked = Request::get("/").header("x-envoy-fault-delay-request", value);
        let begun = std::time::Instant::now();
        assert_eq!(client.send(asked.clone())?.status, 200, "a stranger asks for {value}");
        assert_eq!(client.send(asked.header("x-tester", "1"))?.status, 200, "{value}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{value}");
    }
    assert_eq!(rig.stat("delays_total")?, 3);
    no_trap(&rig)
}

/// Fails when a virtual machine has trapped since Envoy started.
fn no_trap(rig: &Rig) -> Result<()> {
    let log = rig.envoy.log();
    for word in ["panicked", "Function: proxy_on", "wasm_fail_stream"] {
        assert!(!log.contains(word), "{word}:\n{log}");
    }
    Ok(())
}
