//! Log records in a real OpenTelemetry Collector.

use std::collections::BTreeSet;

use tests::{collector::Collector, process};

use super::*;
use crate::telemetry::collectors::{self, Protocol, TIMEOUT};

/// Returns a configuration that logs all streams to the collector, and errors to Envoy's log too.
fn config(protocol: Protocol) -> Value {
    json!({
        "extensionProviders": collectors::provider(protocol, &json!({"maxBatchDelay": "200ms"})),
        "tracing": {"randomSamplingPercentage": 50},
        "accessLogging": [
            {"providers": [{"name": "otel"}], "maxPerSecond": 10000, "fields": {
                "user": {"value": "request.headers['x-user']", "redact": "HASH"},
                "slow": {"value": "request.duration > duration('1h')"},
                "user_agent": {"operation": "REMOVE"},
            }},
            {"filter": {"expression": "weir.error"}},
        ],
    })
}

#[test]
fn exports_a_record_with_severity_and_trace_per_stream() -> Result<()> {
    for protocol in Protocol::BOTH {
        let collector = Collector::start()?;
        let address = match protocol {
            Protocol::Grpc => collector.grpc(),
            Protocol::Http => collector.http(),
        };
        let clusters = vec![collectors::cluster(protocol, address)];
        let mut fixture = collectors::Fixture::start(2, clusters, &config(protocol))?;
        for number in 0..60 {
            let status = ["200", "404", "503"][number % 3];
            let request = Request::get(&format!("/orders/{number}?token=secret"));
            let request = request.header(REPLY_STATUS, status).header("x-user", "alice");
            fixture.envoy.http1().send(request)?;
        }
        process::wait_until("exporting all records", TIMEOUT, || {
            Ok(fixture.stats(["logs_sent_total"])? == [60])
        })?;
        let [built, limited] = fixture.stats(["logs_built_total", "logs_limited_total"])?;
        assert_eq!((built, limited), (80, 0), "60 records and 20 lines");
        process::wait_until("writing all records", TIMEOUT, || Ok(collector.logs()?.len() >= 60))?;
        let records = collector.logs()?;
        assert_eq!(records.len(), 60);
        check(&records)?;
        let sampled = records.iter().filter(|record| record.json["flags"] == 1);
        let of_records: BTreeSet<&str> = sampled.map(|record| record.text("spanId")).collect();
        assert!((10..50).contains(&of_records.len()), "{of_records:?}");
        process::wait_until("collecting the spans of all records", TIMEOUT, || {
            let spans = collector.spans()?;
            Ok(spans.iter().map(|span| span.text("spanId")).collect::<BTreeSet<_>>() == of_records)
        })?;
        let log = fixture.envoy.stop()?;
        assert_eq!(log.matches("wasm log telemetry: {").count(), 20);
        assert!(!log.contains("panicked"), "{log}");
    }
    Ok(())
}

fn check(records: &[tests::collector::Item]) -> Result<()> {
    let mut paths = BTreeSet::new();
    let mut hashes = BTreeSet::new();
    for record in records {
        let field = |name: &str| record.attributes.get(name).map(String::as_str);
        let severity = match field("response_code") {
            Some("503") => "ERROR",
            Some("404") => "WARN",
            _ => "INFO",
        };
        assert_eq!(record.text("severityText"), severity, "{record:?}");
        assert_eq!(record.text("traceId").len(), 32, "{record:?}");
        assert!(record.text("timeUnixNano") <= record.text("observedTimeUnixNano"), "{record:?}");
        assert_eq!((field("slow"), field("method")), (Some("false"), Some("GET")), "{record:?}");
        for absent in ["user_agent", "start_time", "trace_id", "span_id"] {
            assert_eq!(field(absent), None, "{absent}");
        }
        paths.insert(field("path").context("no path")?);
        hashes.insert(field("user").context("no user")?);
    }
    // 60 distinct paths without query, and one user.
    assert_eq!((paths.len(), hashes.len()), (60, 1), "{paths:?} {hashes:?}");
    assert!(paths.contains("/orders/7"));
    Ok(())
}
