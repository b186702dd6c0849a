#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{ClusterRef, Port};

use super::*;
use crate::export::Limits;

fn provider(name: &str, protocol: Protocol) -> Provider {
    Provider {
        name: name.into(),
        cluster: ClusterRef::of_service("otel.monitoring", Port::new(4317).unwrap(), "").unwrap(),
        authority: "otel.monitoring:4317".to_owned(),
        protocol,
        headers: vec![("x-key".to_owned(), "secret".to_owned())],
        timeout: Duration::from_secs(3),
        limits: Limits { batch_items: 1, ..Limits::default() },
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

fn answer(pairs: &[(&str, &str)]) -> Answer {
    Answer { headers: pairs.iter().copied().collect(), ..Answer::default() }
}

fn arrive(
    exporter: &mut Exporter,
    ticket: Ticket,
    answer: Option<&Answer>,
    second: u64,
) -> Arrival {
    exporter.arrive(ticket, answer, Duration::from_secs(second), SystemTime::UNIX_EPOCH, 0)
}

fn depart(exporter: &mut Exporter, second: u64) -> Option<Ticket> {
    exporter.depart(Duration::from_secs(second)).map(|departure| departure.ticket)
}

#[test]
fn requests_are_what_each_protocol_wants() {
    let http = Protocol::Http { traces: "/v1/traces".into(), logs: "/v1/logs".into() };
    for (protocol, signal, path, kind) in [
        (&http, Signal::Traces, "/v1/traces", "application/x-protobuf"),
        (&http, Signal::Logs, "/v1/logs", "application/x-protobuf"),
        (&Protocol::Grpc, Signal::Traces, Signal::Traces.method(), "application/grpc"),
        (&Protocol::Grpc, Signal::Logs, Signal::Logs.method(), "application/grpc"),
    ] {
        let mut exporter = Exporter::default();
        let lane = exporter.open(&provider("otel", protocol.clone()), signal, &[]);
        exporter.offer(lane, span(), Duration::ZERO);
        let departure = exporter.depart(Duration::ZERO).unwrap();
        let header = |name: &str| {
            departure.headers.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
        };
        assert_eq!(departure.cluster, "outbound|4317||otel.monitoring");
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
        assert_eq!(departure.body.first(), Some(&if is_grpc { 0 } else { 10 }));
    }
}

#[test]
fn an_answer_finds_the_lane_of_its_request() {
    let mut exporter = Exporter::default();
    let traces = exporter.open(&grpc("a"), Signal::Traces, &[]);
    let logs = exporter.open(&grpc("a"), Signal::Logs, &[]);
    exporter.offer(traces, span(), Duration::ZERO);
    exporter.offer(logs, span(), Duration::ZERO);
    let first = depart(&mut exporter, 0).unwrap();
    let second = depart(&mut exporter, 0).unwrap();
    assert_eq!(depart(&mut exporter, 0), None);
    exporter.tell();
    let taken = answer(&[(":status", "200"), ("grpc-status", "0")]);
    assert_eq!(arrive(&mut exporter, second, Some(&taken), 1).took, Some(Duration::from_secs(1)));
    assert_eq!(exporter.tell().counts, [(Signal::Logs, Metric::Sent, 1)]);
    arrive(&mut exporter, first, Some(&taken), 1);
    assert_eq!(exporter.tell().counts, [(Signal::Traces, Metric::Sent, 1)]);
    assert_eq!(arrive(&mut exporter, first, Some(&taken), 1), Arrival::default());
}

#[test]
fn an_unavailable_collector_that_took_its_time_has_timed_out() {
    let mut exporter = Exporter::default();
    let lane = exporter.open(&grpc("otel"), Signal::Traces, &[]);
    let unavailable = answer(&[(":status", "200"), ("grpc-status", "14")]);
    for (second, took, failure) in [(0, 0, Failure::Unavailable), (400, 3, Failure::Timeout)] {
        exporter.offer(lane, span(), Duration::from_secs(second));
        let ticket = depart(&mut exporter, second).unwrap();
        arrive(&mut exporter, ticket, Some(&unavailable), second.saturating_add(took));
        let counted = (Signal::Traces, Metric::Failures(failure), 1);
        assert!(exporter.tell().counts.contains(&counted), "{failure:?}");
    }
}

#[test]
fn each_kind_of_trouble_is_told_once_a_minute_and_no_secret_with_it() {
    let mut exporter = Exporter::default();
    let lane = exporter.open(&grpc("otel"), Signal::Traces, &[]);
    let mut warnings = Vec::new();
    for second in (0..130).step_by(10) {
        exporter.offer(lane, span(), Duration::from_secs(second));
        let ticket = depart(&mut exporter, second).unwrap();
        warnings.extend(arrive(&mut exporter, ticket, None, second).warning);
    }
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    let expected = "spans to otel through cluster outbound|4317||otel.monitoring: this proxy has \
                    no such cluster: is there a ServiceEntry, does the Sidecar's egress name it, \
                    is the port right?";
    assert_eq!(warnings[0], expected);
    assert!(!format!("{:?}", grpc("otel")).contains("secret"));
}

#[test]
fn a_batch_of_before_goes_to_the_provider_of_its_name() {
    let mut before = Exporter::default();
    let lane = before.open(&grpc("otel"), Signal::Logs, &[]);
    before.offer(lane, span(), Duration::ZERO);
    let mut gauge = before.tell().growth;
    let batches = before.hand_over();
    gauge += before.tell().growth;
    assert_eq!(batches.len(), 1);
    assert_eq!(gauge, i64::try_from(batches[0].body.len()).unwrap());

    let mut after = Exporter::default();
    after.open(&grpc("other"), Signal::Logs, &[]);
    after.open(&grpc("otel"), Signal::Traces, &[]);
    after.open(&grpc("otel"), Signal::Logs, &[]);
    after.adopt(&HandedOver::decode(&batches[0].encode()).unwrap());
    gauge += after.tell().growth;
    let ticket = depart(&mut after, 0).unwrap();
    let taken = answer(&[(":status", "200"), ("grpc-status", "0")]);
    arrive(&mut after, ticket, Some(&taken), 0);
    let told = after.tell();
    assert!(told.counts.contains(&(Signal::Logs, Metric::Sent, 1)), "{told:?}");
    assert_eq!(gauge + told.growth, 0);
}

#[test]
fn a_batch_of_a_provider_that_is_gone_is_dropped_and_counted() {
    let mut exporter = Exporter::default();
    let body = vec![0; 100];
    exporter.adopt(&HandedOver {
        provider: "gone".to_owned(),
        signal: Signal::Traces,
        items: 5,
        body,
    });
    let reconfigured = Metric::Dropped(Dropped::Reconfigured);
    let told = Told { counts: vec![(Signal::Traces, reconfigured, 5)], growth: -100 };
    assert_eq!(exporter.tell(), told);
    assert_eq!(exporter.tell(), Told::default());
}

#[test]
fn the_resource_of_the_configuration_stands_over_what_was_found() {
    let found = [("service.name", "found"), ("k8s.pod.name", "pod-1")];
    let found: Vec<_> = found.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    let mut shop = grpc("otel");
    shop.resource = vec![("service.name".to_owned(), "shop".to_owned())];
    let body = shop.envelope(&found).wrap([].iter());
    let holds = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("shop") && holds("pod-1") && !holds("found"));
}
