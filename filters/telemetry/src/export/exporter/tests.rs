#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{ClusterRef, Port};

use super::*;
use crate::export::QueueLimits;

fn provider(name: &str, protocol: Protocol) -> Provider {
    Provider {
        name: name.into(),
        cluster: ClusterRef::of_service("otel.monitoring", Port::new(4317).unwrap(), "").unwrap(),
        authority: "otel.monitoring:4317".to_owned(),
        protocol,
        headers: vec![("x-key".to_owned(), "secret".to_owned())],
        timeout: Duration::from_secs(3),
        limits: QueueLimits { max_batch_items: 1, ..QueueLimits::default() },
        max_tag_length: 256,
        resource: Vec::new(),
    }
}

fn grpc(name: &str) -> Provider {
    provider(name, Protocol::Grpc)
}

fn span() -> Item {
    Item::new(|out| out.extend(b"GET"))
}

fn response(pairs: &[(&str, &str)]) -> Response {
    Response { headers: pairs.iter().copied().collect(), ..Response::default() }
}

fn on_response(
    exporter: &mut Exporter,
    id: RequestId,
    response: Option<&Response>,
    second: u64,
) -> ExportResult {
    exporter.on_response(id, response, Duration::from_secs(second), SystemTime::UNIX_EPOCH, 0)
}

fn next_request(exporter: &mut Exporter, second: u64) -> Option<RequestId> {
    exporter.next_request(Duration::from_secs(second)).map(|request| request.id)
}

#[test]
fn requests_have_the_headers_of_their_protocol() {
    let http = Protocol::Http { traces: "/v1/traces".into(), logs: "/v1/logs".into() };
    for (protocol, signal, path, kind) in [
        (&http, Signal::Traces, "/v1/traces", "application/x-protobuf"),
        (&http, Signal::Logs, "/v1/logs", "application/x-protobuf"),
        (&Protocol::Grpc, Signal::Traces, Signal::Traces.grpc_path(), "application/grpc"),
        (&Protocol::Grpc, Signal::Logs, Signal::Logs.grpc_path(), "application/grpc"),
    ] {
        let mut exporter = Exporter::default();
        let pipeline = exporter.open(&provider("otel", protocol.clone()), signal, &[]);
        exporter.enqueue(pipeline, span(), Duration::ZERO);
        let request = exporter.next_request(Duration::ZERO).unwrap();
        let header = |name: &str| {
            request.headers.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
        };
        assert_eq!(request.cluster, "outbound|4317||otel.monitoring");
        for (name, value) in [
            (":method", "POST"),
            (":path", path),
            (":authority", "otel.monitoring:4317"),
            ("content-type", kind),
            ("x-key", "secret"),
        ] {
            assert_eq!(header(name), Some(value));
        }
        let is_grpc = *protocol == Protocol::Grpc;
        assert_eq!(header("te").is_some(), is_grpc);
        assert_eq!(header("grpc-timeout").is_some(), is_grpc);
        assert_eq!(request.body.first(), Some(&if is_grpc { 0 } else { 10 }));
    }
}

#[test]
fn a_response_completes_the_request_of_its_pipeline() {
    let mut exporter = Exporter::default();
    let traces = exporter.open(&grpc("a"), Signal::Traces, &[]);
    let logs = exporter.open(&grpc("a"), Signal::Logs, &[]);
    exporter.enqueue(traces, span(), Duration::ZERO);
    exporter.enqueue(logs, span(), Duration::ZERO);
    let first = next_request(&mut exporter, 0).unwrap();
    let second = next_request(&mut exporter, 0).unwrap();
    assert_eq!(next_request(&mut exporter, 0), None);
    exporter.take_stats();
    let accepted = response(&[(":status", "200"), ("grpc-status", "0")]);
    assert_eq!(
        on_response(&mut exporter, second, Some(&accepted), 1).elapsed,
        Some(Duration::from_secs(1))
    );
    assert_eq!(exporter.take_stats().counts, [(Signal::Logs, Metric::Sent, 1)]);
    on_response(&mut exporter, first, Some(&accepted), 1);
    assert_eq!(exporter.take_stats().counts, [(Signal::Traces, Metric::Sent, 1)]);
    assert_eq!(on_response(&mut exporter, first, Some(&accepted), 1), ExportResult::default());
}

#[test]
fn unavailable_after_the_timeout_counts_as_a_timeout() {
    let mut exporter = Exporter::default();
    let pipeline = exporter.open(&grpc("otel"), Signal::Traces, &[]);
    let unavailable = response(&[(":status", "200"), ("grpc-status", "14")]);
    for (second, elapsed, failure) in [(0, 0, Failure::Unavailable), (400, 3, Failure::Timeout)] {
        exporter.enqueue(pipeline, span(), Duration::from_secs(second));
        let id = next_request(&mut exporter, second).unwrap();
        on_response(&mut exporter, id, Some(&unavailable), second.saturating_add(elapsed));
        let counted = (Signal::Traces, Metric::Failures(failure), 1);
        assert!(exporter.take_stats().counts.contains(&counted), "{failure:?}");
    }
}

#[test]
fn warns_once_a_minute_without_secrets() {
    let mut exporter = Exporter::default();
    let pipeline = exporter.open(&grpc("otel"), Signal::Traces, &[]);
    let mut warnings = Vec::new();
    for second in (0..130).step_by(10) {
        exporter.enqueue(pipeline, span(), Duration::from_secs(second));
        let id = next_request(&mut exporter, second).unwrap();
        warnings.extend(on_response(&mut exporter, id, None, second).warning);
    }
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    let expected = "spans to otel through cluster outbound|4317||otel.monitoring: this proxy has \
                    no such cluster: is there a ServiceEntry, does the Sidecar's egress name it, \
                    is the port right?";
    assert_eq!(warnings[0], expected);
    assert!(!format!("{:?}", grpc("otel")).contains("secret"));
}

#[test]
fn takes_over_batches_of_the_same_provider_and_signal() {
    let mut before = Exporter::default();
    let pipeline = before.open(&grpc("otel"), Signal::Logs, &[]);
    before.enqueue(pipeline, span(), Duration::ZERO);
    let mut gauge = before.take_stats().bytes;
    let batches = before.hand_over();
    gauge += before.take_stats().bytes;
    assert_eq!(batches.len(), 1);
    assert_eq!(gauge, i64::try_from(batches[0].body.len()).unwrap());

    let mut after = Exporter::default();
    after.open(&grpc("other"), Signal::Logs, &[]);
    after.open(&grpc("otel"), Signal::Traces, &[]);
    after.open(&grpc("otel"), Signal::Logs, &[]);
    after.take_over(&HandoffBatch::decode(&batches[0].encode()).unwrap());
    gauge += after.take_stats().bytes;
    let id = next_request(&mut after, 0).unwrap();
    let accepted = response(&[(":status", "200"), ("grpc-status", "0")]);
    on_response(&mut after, id, Some(&accepted), 0);
    let delta = after.take_stats();
    assert!(delta.counts.contains(&(Signal::Logs, Metric::Sent, 1)), "{delta:?}");
    assert_eq!(gauge + delta.bytes, 0);
}

#[test]
fn drops_batches_of_removed_providers() {
    let mut exporter = Exporter::default();
    let body = vec![0; 100];
    exporter.take_over(&HandoffBatch {
        provider: "gone".to_owned(),
        signal: Signal::Traces,
        items: 5,
        body,
    });
    let reconfigured = Metric::Dropped(Dropped::Reconfigured);
    let delta = StatsDelta { counts: vec![(Signal::Traces, reconfigured, 5)], bytes: -100 };
    assert_eq!(exporter.take_stats(), delta);
    assert_eq!(exporter.take_stats(), StatsDelta::default());
}

#[test]
fn configured_resource_attributes_override_detected_ones() {
    let detected = [("service.name", "detected"), ("k8s.pod.name", "pod-1")];
    let detected: Vec<_> = detected.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    let mut shop = grpc("otel");
    shop.resource = vec![("service.name".to_owned(), "shop".to_owned())];
    let body = shop.envelope(&detected).wrap([].iter());
    let holds = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("shop") && holds("pod-1") && !holds("detected"));
}
