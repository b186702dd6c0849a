//! Malicious requests.

use anyhow::Result;
use serde_json::json;
use tests::{bootstrap::Filter, client::Request};

use super::{FILTER, Fixture, TAG};

#[test]
fn hostile_requests_trap_no_worker() -> Result<()> {
    let config = json!({
        "trustInbound": [{"headers": {"x-edge": {}}}], "baggageKey": "weir-tag",
        "filterState": true, "explain": [{}],
        "headers": {"request": {"set": {"x-copy": "%REQ(x-any)%"}}},
        "http": [
            {"name": "tenant", "match": [{"pathTemplate": "/t/{tenant}/{rest=**}"}], "tag": "%PATH(tenant)%"},
            {"name": "any", "match": [{"headers": {"x-any": {"regex": "[a-z]+"}}}], "tag": "%REQ(x-any)%"},
            {"name": "two", "tagHeader": "x-two",
             "split": [{"tag": "a", "weight": 1}, {"tag": "b", "weight": 9}],
             "consistentHash": {"claim": "sub", "httpHeaderName": "x-key",
                "httpQueryParameterName": "q", "httpCookie": {"name": "c", "ttl": "1h"}}},
        ],
    });
    let fixture = Fixture::start_with(4, vec![Filter::new(FILTER, config)])?;
    let texts: Vec<Vec<u8>> = (0x80..=0xFF_u8)
        .step_by(7)
        .map(|byte| vec![b'a', byte, b'=', b';', byte])
        .chain(
            ["", "=", ";", ",", ",,,;;==", "%", "%%%", "a=%zz", "weir-tag", "weir-tag=", "c"]
                .map(Into::into),
        )
        .chain([vec![b','; 8_000], vec![b'a'; 20_000], b"weir-tag=a,".repeat(900)])
        .collect();
    for text in &texts {
        for edge in [false, true] {
            let names = ["x-any", "x-key", "baggage", "cookie", TAG, "x-two", "x-weir-explain"];
            let request = names
                .iter()
                .fold(Request::get("/t/%ff%00/.."), |request, name| request.header(name, text));
            let request = if edge { request.header("x-edge", "1") } else { request };
            let response = fixture.send(request)?;
            assert!(matches!(response.status, 200 | 400 | 431), "{}", response.status);
        }
    }
    for target in ["/?q=%", "/?q&&&=&q=%ff", "/t/", "/t//", "/t/%2e%2e/x?%71=1", "/t/a%00/b"] {
        for _ in 0..8 {
            let head = format!("GET {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
            fixture.envoy.http1().raw(head.as_bytes())?;
        }
    }
    for _ in 0..16 {
        assert_eq!(
            fixture.tags(Request::get("/t/alive/"))?,
            ["alive"],
            "a worker does not respond"
        );
    }
    let log = fixture.envoy.log();
    for word in ["panicked", "Function: proxy_on", "wasm_fail_stream"] {
        assert!(!log.contains(word), "{word}:\n{log}");
    }
    Ok(())
}

#[test]
fn never_logs_keys_or_values() -> Result<()> {
    let mut fixture = Fixture::start(json!({"http": [
        {"name": "t", "match": [{"headers": {"x-t": {}}}], "tag": "%REQ(x-t)%"},
        {"name": "s", "consistentHash": {"httpCookie": {"name": "c", "ttl": "1h"}},
         "split": [{"tag": "a", "weight": 1}, {"tag": "b", "weight": 9}]},
    ]}))?;
    fixture.send(Request::get("/").header("cookie", "c=geheim").header("x-t", "wort/los"))?;
    fixture.envoy.wait_for_access_log(1)?;
    let log = fixture.envoy.log();
    assert!(!log.contains("geheim") && !log.contains("wort"), "{log}");
    Ok(())
}
