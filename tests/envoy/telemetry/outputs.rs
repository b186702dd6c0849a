//! Other outputs: response headers and filter state.

use anyhow::Result;
use serde_json::json;
use tests::{
    bootstrap::EnvoyOptions,
    client::Request,
    envoy::Envoy,
    upstream::{Received, Upstream},
};

use super::filter;

#[test]
fn adds_response_headers_for_matching_callers() -> Result<()> {
    let app = Upstream::start()?;
    let config = |is_dry: bool| {
        json!({"dryRun": is_dry, "responseHeaders": {
            "filter": {"match": [{"headers": {"x-debug": {"exact": "1"}}}]},
            "serverTiming": true, "requestId": true,
        }})
    };
    let mut envoy = Envoy::start(EnvoyOptions::new(app.address(), vec![filter(&config(false))]))?;
    let response = envoy.http1().send(Request::get("/").header("x-debug", "1"))?;
    let timing = response.header("server-timing").unwrap_or_default();
    let millis = timing.strip_prefix("proxy;dur=").and_then(|text| text.parse::<f64>().ok());
    assert!(millis.is_some_and(|millis| millis < 20_000.0), "{timing}");
    let received = Received::from_response(&response)?;
    assert_eq!(response.header("x-request-id"), received.header("x-request-id").first().copied());
    let other = envoy.http1().get("/")?;
    assert_eq!(other.header("server-timing"), None);
    assert_eq!(other.header("x-request-id"), None);
    envoy.reconfigure(&[filter(&config(true))])?;
    let dry_run = envoy.http1().send(Request::get("/").header("x-debug", "1"))?;
    assert_eq!(dry_run.header("server-timing"), None);
    Ok(())
}

#[test]
fn native_access_log_shows_the_operation() -> Result<()> {
    let app = Upstream::start()?;
    let config = json!({"filterState": true,
        "operations": [{"pathTemplate": "/orders/{id}", "name": "getOrder"}]});
    let format = "%FILTER_STATE(wasm.weir.operation:PLAIN)%".to_owned();
    let options = EnvoyOptions::new(app.address(), vec![filter(&config)]);
    let mut envoy = Envoy::start(EnvoyOptions {
        access_log: vec![("operation".to_owned(), format)],
        ..options
    })?;
    for path in ["/orders/7?token=x", "/else"] {
        envoy.http1().get(path)?;
    }
    let log = envoy.wait_for_access_log(2)?;
    let operations: Vec<_> = log.iter().map(|line| line["operation"].clone()).collect();
    assert_eq!(operations, ["getOrder", "other"]);
    Ok(())
}
