use std::collections::VecDeque;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    Headers,
    remote::{Endpoint, schedule},
};

use super::*;
use crate::{algorithm::Algorithm, testing};

const START: Duration = Duration::from_secs(1_000_000);
const SECOND: Duration = Duration::from_secs(1);

mod recovery;
mod requests;

/// The shared state of all workers of a proxy.
#[derive(Default)]
struct Shared {
    control: Control,
    document: Option<Document>,
    calls: Vec<Call>,
    counts: Vec<Metric>,
    lines: Vec<String>,
    cluster_is_missing: bool,
}

fn spec(origin: Origin) -> Rc<SourceSpec> {
    Rc::new(SourceSpec {
        provider: "corp".into(),
        kind: Kind::Keys,
        fetch: FetchSpec {
            origin,
            cluster: "keys".into(),
            headers: FetchHeaders::default(),
            timeout: Duration::from_secs(5),
            freshness: Freshness {
                default: Duration::from_secs(300),
                min: Duration::from_secs(30),
                max: Duration::from_secs(3_600),
            },
            stale_if_error: Duration::from_secs(86_400),
            refetch_interval: Duration::from_secs(10),
        },
        cold_start: ColdStart::Pause,
        max_pause: Duration::from_secs(5),
    })
}

fn at_url() -> Origin {
    Origin::Url(Endpoint::parse("https://idp.example.com/keys").unwrap())
}

fn by_discovery() -> Origin {
    let document = Endpoint::parse("https://idp.example.com/.well-known/openid-configuration");
    Origin::Discovered { issuer: testing::ISSUER.into(), document: document.unwrap() }
}

fn worker(origin: Origin) -> Source {
    Source::new(spec(origin), Crypto::pure())
}

impl Shared {
    /// Handles an event and applies the effects, as the plugin does.
    fn feed(&mut self, source: &mut Source, event: Event, now: Duration) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in source.handle(event, now, 80) {
                match effect {
                    Effect::ReadDocument => {
                        events.extend(self.document.clone().map(Event::Document));
                    }
                    Effect::Lease(control) => {
                        self.control = control;
                        events.push_back(Event::Leased(control));
                    }
                    Effect::Call(_) if self.cluster_is_missing => {
                        events.push_back(Event::NoCluster)
                    }
                    Effect::Call(call) => self.calls.push(call),
                    Effect::Write { holder, document, control } => {
                        if self.control.holder == holder {
                            self.document = document.or(self.document.take());
                            self.control = control;
                        }
                    }
                    Effect::Count(metric) => self.counts.push(metric),
                    Effect::FetchTime(_) => {}
                    Effect::LogInfo(line) | Effect::LogWarning(line) => self.lines.push(line),
                }
            }
        }
    }

    fn tick(&mut self, source: &mut Source, now: Duration) {
        let control = Control::decode(&self.control.encode()).unwrap();
        self.feed(source, Event::Tick(control), now);
    }

    fn answer(&mut self, source: &mut Source, headers: &[(&str, &str)], body: &str, now: Duration) {
        let headers = Headers::from_iter(headers.iter().copied());
        let answer = Answer { headers, body: Some(body.into()) };
        self.feed(source, Event::Answer(answer), now);
    }

    /// Fetches a key set with one key.
    fn fetch(&mut self, source: &mut Source, algorithm: Algorithm, now: Duration) {
        self.tick(source, now);
        self.answer(source, &[(":status", "200"), ("etag", "\"1\"")], &keys(algorithm), now);
    }
}

fn keys(algorithm: Algorithm) -> String {
    serde_json::json!({"keys": [testing::key(algorithm)["jwk"]]}).to_string()
}

fn is_ready(source: &Source, now: Duration) -> bool {
    matches!(source.state(now), State::Ready(_))
}

#[test]
fn one_worker_fetches_for_all() {
    let (mut shared, mut one, mut other) = (Shared::default(), worker(at_url()), worker(at_url()));
    assert!(matches!(one.state(START), State::Cold));
    shared.tick(&mut one, START);
    shared.tick(&mut other, START);
    assert_eq!(shared.calls.len(), 1);
    let call = &shared.calls[0];
    assert_eq!(
        (&*call.cluster, &*call.authority, &*call.path),
        ("keys", "idp.example.com", "/keys")
    );
    shared.answer(&mut one, &[(":status", "200")], &keys(Algorithm::Es256), START);
    assert!(is_ready(&one, START) && !is_ready(&other, START));
    shared.tick(&mut other, START + SECOND);
    assert!(is_ready(&other, START));
    assert_eq!(shared.calls.len(), 1);
}

#[test]
fn abandoned_leases_expire() {
    let (mut shared, mut one, mut other) = (Shared::default(), worker(at_url()), worker(at_url()));
    shared.tick(&mut one, START);
    shared.tick(&mut other, START + 5 * SECOND);
    assert_eq!(shared.calls.len(), 1);
    shared.tick(&mut other, START + 6 * SECOND);
    assert_eq!(shared.calls.len(), 2);
}

#[test]
fn workers_without_the_lease_write_nothing() {
    let (mut shared, mut source) = (Shared::default(), worker(at_url()));
    shared.tick(&mut source, START);
    shared.control.holder = 7;
    shared.answer(&mut source, &[(":status", "200")], &keys(Algorithm::Es256), START);
    assert_eq!((shared.control.holder, shared.document), (7, None));
}

#[test]
fn renews_key_sets_early_with_conditional_requests() {
    let (mut shared, mut source) = (Shared::default(), worker(at_url()));
    shared.fetch(&mut source, Algorithm::Es256, START);
    let due = START + Duration::from_secs(216);
    shared.tick(&mut source, due - SECOND);
    assert_eq!(shared.calls.len(), 1);
    shared.tick(&mut source, due);
    assert_eq!(shared.calls[1].etag.as_deref(), Some("\"1\""));
    let generation = source.generation();
    shared.answer(&mut source, &[(":status", "304")], "", due);
    assert_eq!(shared.counts, [Metric::JwksFetchSuccess, Metric::JwksFetchNotModified]);
    assert_eq!(source.generation(), generation);
    assert_eq!(source.age(due), Some((Duration::ZERO, false)));
}

#[test]
fn changed_documents_are_a_new_generation_in_every_worker() {
    let (mut shared, mut one, mut other) = (Shared::default(), worker(at_url()), worker(at_url()));
    shared.fetch(&mut one, Algorithm::Es256, START);
    shared.tick(&mut other, START);
    let later = START + Duration::from_secs(300);
    shared.fetch(&mut one, Algorithm::Es256, later);
    shared.tick(&mut other, later);
    assert_eq!((one.generation(), other.generation()), (1, 1), "same bytes");
    let later = START + Duration::from_secs(600);
    shared.fetch(&mut one, Algorithm::Rs256, later);
    shared.tick(&mut other, later);
    assert_eq!((one.generation(), other.generation()), (2, 2), "other bytes");
}

#[test]
fn bad_answers_are_failures_with_backoff() {
    let many: Vec<_> = (0..101).map(|_| testing::key(Algorithm::Es256)["jwk"].clone()).collect();
    let many = serde_json::json!({"keys": many}).to_string();
    let secret = keys(Algorithm::Hs256);
    let (mut shared, mut source) = (Shared::default(), worker(at_url()));
    let mut now = START;
    for (index, (status, body)) in [
        ("500", "{}"),
        ("302", ""),
        ("200", "<html>"),
        ("200", "[]"),
        ("200", "{\"keys\":[]}"),
        ("200", &secret),
        ("200", &many),
        ("304", ""),
    ]
    .into_iter()
    .enumerate()
    {
        shared.tick(&mut source, now);
        assert_eq!(shared.calls.len(), index + 1, "{body}");
        shared.answer(&mut source, &[(":status", status)], body, now);
        assert!(matches!(source.state(now), State::Cold), "{body}");
        assert_eq!(shared.control.failures, index as u64 + 1);
        let pause = shared.control.next_fetch - now;
        assert_eq!(pause, schedule::backoff(index as u64 + 1, 80));
        shared.tick(&mut source, now + pause / 2);
        assert_eq!(shared.calls.len(), index + 1, "too early");
        now += pause;
    }
    assert!(shared.counts.iter().all(|metric| *metric == Metric::JwksFetchFailed));
    shared.tick(&mut source, now);
    shared.feed(&mut source, Event::Answer(Answer::default()), now);
    assert!(shared.lines.last().unwrap().contains("no answer"), "{:?}", shared.lines);
}

#[test]
fn large_answers_are_failures() {
    let (mut shared, mut source) = (Shared::default(), worker(at_url()));
    shared.tick(&mut source, START);
    let headers = Headers::from_iter([(":status", "200")]);
    shared.feed(&mut source, Event::Answer(Answer { headers, body: None }), START);
    assert!(shared.lines[0].contains("too large"), "{:?}", shared.lines);
}

#[test]
fn logs_a_missing_cluster_once_and_recovers() {
    let mut shared = Shared { cluster_is_missing: true, ..Shared::default() };
    let mut source = worker(at_url());
    let mut now = START;
    for _ in 0..3 {
        shared.tick(&mut source, now);
        now = shared.control.next_fetch;
    }
    assert_eq!(shared.lines.len(), 1, "{:?}", shared.lines);
    for word in ["keys", "ServiceEntry", "DestinationRule", "Sidecar"] {
        assert!(shared.lines[0].contains(word), "{word}");
    }
    shared.cluster_is_missing = false;
    shared.fetch(&mut source, Algorithm::Es256, now);
    assert!(is_ready(&source, now));
    assert_eq!(shared.control.failures, 0);
}

#[test]
fn uses_stale_key_sets_until_they_expire() {
    let (mut shared, mut source) = (Shared::default(), worker(at_url()));
    shared.fetch(&mut source, Algorithm::Es256, START);
    let fresh_until = START + Duration::from_secs(300);
    shared.tick(&mut source, fresh_until);
    shared.answer(&mut source, &[(":status", "500")], "", fresh_until);
    assert_eq!(source.age(fresh_until), Some((Duration::from_secs(300), true)));
    let end = fresh_until + Duration::from_secs(86_400);
    assert!(is_ready(&source, end - SECOND));
    assert!(matches!(source.state(end), State::Expired));
    assert!(matches!(worker(at_url()).state(end), State::Cold));
}

#[test]
fn limits_the_declared_freshness() {
    for (header, seconds) in
        [("max-age=120", 120), ("no-store", 30), ("max-age=1", 30), ("max-age=99999", 3_600)]
    {
        let (mut shared, mut source) = (Shared::default(), worker(at_url()));
        shared.tick(&mut source, START);
        let headers = [(":status", "200"), ("cache-control", header)];
        shared.answer(&mut source, &headers, &keys(Algorithm::Es256), START);
        assert_eq!(shared.control.fresh_until, START + Duration::from_secs(seconds), "{header}");
    }
}

#[test]
fn limits_the_log_of_unusable_keys() {
    for (useless, lines, is_fetched) in [(1, 2, true), (999, 12, true), (1_000, 1, false)] {
        let (mut shared, mut source) = (Shared::default(), worker(at_url()));
        shared.tick(&mut source, START);
        let mut keys = vec![serde_json::json!(0); useless];
        keys.push(testing::named_key("p256")["jwk"].clone());
        let document = serde_json::json!({"keys": keys}).to_string();
        shared.answer(&mut source, &[(":status", "200")], &document, START);
        assert_eq!((shared.lines.len(), is_ready(&source, START)), (lines, is_fetched));
    }
}

#[test]
fn workers_share_one_refetch_per_interval() {
    let (mut shared, mut one, mut other) = (Shared::default(), worker(at_url()), worker(at_url()));
    shared.fetch(&mut one, Algorithm::Es256, START);
    shared.tick(&mut other, START);
    assert_eq!(
        one.request_refetch(START + SECOND),
        Refetch::Fetching,
        "what others did is not known yet"
    );
    let now = START + 2 * SECOND;
    let control = shared.control;
    shared.feed(&mut one, Event::Control(control), now);
    assert_eq!(one.request_refetch(now), Refetch::Fetching);
    shared.tick(&mut one, now);
    assert_eq!(shared.calls.len(), 2);
    let control = shared.control;
    shared.feed(&mut other, Event::Control(control), now);
    assert_eq!(other.request_refetch(now), Refetch::Fetching, "the other's fetch may bring it");
    shared.answer(&mut one, &[(":status", "304")], "", now);
    let control = shared.control;
    shared.feed(&mut other, Event::Control(control), now);
    assert_eq!([one.request_refetch(now), other.request_refetch(now)], [Refetch::Limited; 2]);
    let later = now + Duration::from_secs(10);
    let control = shared.control;
    shared.feed(&mut other, Event::Control(control), later);
    assert_eq!(other.request_refetch(later), Refetch::Fetching);
}

/// Unknown keys use up every early fetch, yet a rotated key is fetched within one interval.
#[test]
fn unknown_keys_delay_a_rotated_key_by_at_most_one_interval() {
    let interval = Duration::from_secs(10);
    for rotated_after in [1_u64, 9_999, 10_000, 10_001, 14_000, 19_999] {
        let (mut shared, mut source) = (Shared::default(), worker(at_url()));
        shared.fetch(&mut source, Algorithm::Es256, START);
        let rotated = START + Duration::from_millis(rotated_after);
        let mut now = START;
        let mut found = None;
        while found.is_none() && now < START + 4 * interval {
            now += Duration::from_millis(20);
            let seen = shared.control;
            shared.feed(&mut source, Event::Control(seen), now);
            source.request_refetch(now);
            let calls = shared.calls.len();
            shared.tick(&mut source, now);
            if shared.calls.len() > calls {
                let is_new = now >= rotated;
                let algorithm = if is_new { Algorithm::Rs256 } else { Algorithm::Es256 };
                shared.answer(&mut source, &[(":status", "200")], &keys(algorithm), now);
                found = is_new.then_some(now);
            }
        }
        let delay = found.unwrap() - rotated;
        assert!(delay <= interval + Duration::from_millis(20), "{rotated_after}: {delay:?}");
    }
}
