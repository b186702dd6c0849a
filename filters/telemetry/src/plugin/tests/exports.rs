//! Requests to collectors, and their responses.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;

use super::{
    Meter, metric,
    outcome::numbers,
    scenarios::{SECOND, TICK, TRACED, answer, serve},
    start,
};

/// Starts a worker whose collector exists.
fn exporting(proxy: &Proxy) -> Meter {
    proxy.add_cluster("collector");
    start(proxy, TRACED)
}

fn counts<const N: usize>(proxy: &Proxy, names: [&str; N]) -> [u64; N] {
    names.map(|name| metric(proxy, &format!("{name}_total")))
}

/// A message of gRPC.
fn framed(message: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap()], message].concat()
}

type Pairs = &'static [(&'static str, &'static str)];

#[test]
fn counts_the_spans_of_each_kind_of_response() {
    let partial =
        framed(&[10, 13, 8, 1, 18, 9, b't', b'o', b'o', b' ', b'm', b'a', b'n', b'y', b'!']);
    // The expected counts of sent, rejected, dropped and retried spans, and a part of the log line.
    let cases: [(Pairs, &[u8], [u64; 4], &str); 7] = [
        (&[(":status", "200"), ("grpc-status", "0")], b"", [2, 0, 0, 0], ""),
        (
            &[(":status", "200"), ("grpc-status", "0")],
            &partial,
            [1, 1, 0, 0],
            "1 rejected: too many!",
        ),
        (
            &[(":status", "200"), ("grpc-status", "3"), ("grpc-message", "bad")],
            b"",
            [0, 0, 2, 0],
            "dropped: INVALID_ARGUMENT: bad",
        ),
        (&[(":status", "200")], b"<html>", [0, 0, 2, 0], "dropped: not a gRPC response"),
        (&[(":status", "200"), ("grpc-status", "14")], b"", [0, 0, 0, 1], "is unavailable"),
        (&[(":status", "503")], b"", [0, 0, 0, 1], "is unavailable"),
        (&[], b"", [0, 0, 0, 1], "is unavailable"),
    ];
    for (headers, body, expected, line) in cases {
        let proxy = Proxy::new();
        let mut worker = exporting(&proxy);
        serve(&mut worker, "/1/stream", &[]);
        serve(&mut worker, "/2/stream", &[]);
        worker.advance(TICK);
        let [request] = &answer(&proxy, &mut worker, headers, body)[..] else { panic!("one") };
        assert_eq!(numbers(&request.body), ["1", "2"]);
        assert_eq!(request.cluster, "collector");
        worker.advance(SECOND * 2);
        let names = ["spans_sent", "spans_rejected", "spans_dropped_refused", "export_retries"];
        assert_eq!(counts(&proxy, names), expected, "{headers:?}");
        assert_eq!(counts(&proxy, ["spans_built"]), [2]);
        let log = proxy.log(3).concat();
        assert!(log.contains(line) && log.is_empty() == line.is_empty(), "{log}");
        let is_queued = metric(&proxy, "queue_bytes") > 0;
        assert_eq!(is_queued, expected[3] > 0, "{headers:?}");
    }
}

#[test]
fn recovers_from_an_outage_of_the_collector_without_losing_a_span() {
    let proxy = Proxy::new();
    let mut worker = exporting(&proxy);
    for _ in 0..10 {
        serve(&mut worker, "/1/stream", &[]);
        worker.advance(SECOND);
        let probes = answer(&proxy, &mut worker, &[(":status", "503")], b"");
        assert!(probes.len() <= 1, "one probe at a time");
    }
    assert_eq!(proxy.log(3).len(), 1, "one warning a minute: {:?}", proxy.log(3));
    for _ in 0..60 {
        worker.advance(SECOND);
        answer(&proxy, &mut worker, &[(":status", "200"), ("grpc-status", "0")], b"");
    }
    let names = ["spans_built", "spans_sent", "spans_dropped_expired"];
    assert_eq!(counts(&proxy, names), [10, 10, 0]);
    assert_eq!(metric(&proxy, "queue_bytes"), 0);
}

#[test]
fn drops_and_counts_spans_that_expire() {
    let proxy = Proxy::new();
    let mut worker = exporting(&proxy);
    serve(&mut worker, "/1/stream", &[]);
    for _ in 0..120 {
        worker.advance(SECOND);
        answer(&proxy, &mut worker, &[(":status", "503")], b"");
    }
    assert_eq!(counts(&proxy, ["spans_dropped_expired", "spans_sent"]), [1, 0]);
    assert_eq!(metric(&proxy, "queue_bytes"), 0);
}

#[test]
fn waits_for_a_cluster_that_the_proxy_does_not_know_yet() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, TRACED);
    serve(&mut worker, "/1/stream", &[]);
    worker.advance(SECOND * 10);
    let [failures] = counts(&proxy, ["export_failures_unknown_cluster"]);
    assert!((2..20).contains(&failures), "{failures} with a backoff");
    assert_eq!(proxy.log(3).len(), 1, "{:?}", proxy.log(3));
    assert!(proxy.log(3)[0].contains("this proxy has no such cluster"), "{:?}", proxy.log(3));
    assert!(proxy.recorded("weir_telemetry_export_ms").is_empty(), "nothing was sent");
    proxy.add_cluster("collector");
    worker.advance(SECOND * 30);
    assert_eq!(
        answer(&proxy, &mut worker, &[(":status", "200"), ("grpc-status", "0")], b"").len(),
        1
    );
    worker.advance(TICK);
    assert_eq!(counts(&proxy, ["spans_sent"]), [1]);
}

#[test]
fn sends_a_batch_after_its_delay() {
    let proxy = Proxy::new();
    proxy.add_cluster("collector");
    let mut worker = start(&proxy, &TRACED.replace("200ms", "1s"));
    serve(&mut worker, "/1/stream", &[]);
    worker.advance(TICK * 4);
    assert!(worker.calls().is_empty());
    worker.advance(TICK);
    assert_eq!(worker.calls().len(), 1);
}

#[test]
fn ignores_responses_to_calls_that_it_did_not_send() {
    let proxy = Proxy::new();
    let mut worker = exporting(&proxy);
    worker.plugin().export.on_call_response(77, 0);
    serve(&mut worker, "/1/stream", &[]);
    worker.advance(TICK);
    assert_eq!(counts(&proxy, ["export_requests", "spans_sent"]), [1, 0]);
}
