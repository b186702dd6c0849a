//! Metrics without labels.

use anyhow::Result;
use serde_json::json;
use tests::{client::Request, upstream::REPLY_STATUS};

use super::Fixture;

#[test]
fn counts_every_stream_once_by_status_class() -> Result<()> {
    let fixture = Fixture::start(&json!({}))?;
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        for status in ["200", "201", "301", "404", "500", "503"] {
            client.send(Request::get("/orders").header(REPLY_STATUS, status))?;
        }
        client.send(Request::new(hyper::Method::POST, "/orders").body(b"12345"))?;
    }
    assert_eq!(fixture.app.count(), 14);
    fixture.wait_for("requests_total", 14)?;
    for (name, value) in [
        ("requests_total", 14),
        ("requests_1xx_total", 0),
        ("requests_2xx_total", 6),
        ("requests_3xx_total", 2),
        ("requests_4xx_total", 2),
        ("requests_5xx_total", 4),
        ("requests_no_response_total", 0),
        ("request_errors_total", 4),
        ("requests_in_flight", 0),
    ] {
        assert_eq!(fixture.stat(name)?, value, "{name}");
    }
    Ok(())
}
