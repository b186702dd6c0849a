//! Metrics without labels.

use anyhow::Result;
use serde_json::json;
use tests::{client::Request, upstream::REPLY_STATUS};

use super::Rig;

#[test]
fn every_stream_is_counted_once_and_by_its_class() -> Result<()> {
    let rig = Rig::start(&json!({}))?;
    for client in [rig.envoy.http1(), rig.envoy.http2()] {
        for status in ["200", "201", "301", "404", "500", "503"] {
            client.send(Request::get("/orders").header(REPLY_STATUS, status))?;
        }
        client.send(Request::new(hyper::Method::POST, "/orders").body(b"12345"))?;
    }
    assert_eq!(rig.app.count(), 14);
    rig.wait_for("requests_total", 14)?;
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
        assert_eq!(rig.stat(name)?, value, "{name}");
    }
    Ok(())
}
