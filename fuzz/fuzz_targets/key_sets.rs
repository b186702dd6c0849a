//! For any response of a key server, memory is bounded, and no symmetric key is accepted.

#![no_main]

use std::{cell::LazyCell, collections::VecDeque, time::Duration};

use fuzz::{legal, message::Message, policies};
use jwt_auth::{
    Crypto, Policy,
    algorithm::Algorithm,
    key_set::{KeySet, MAX_KEYS},
    key_source::{Answer, Content, Control, Document, DocumentSpec, Effect, Event, Source, State},
};
use libfuzzer_sys::fuzz_target;

/// Separator between responses.
const MARK: &[u8] = b"\n---\n";
/// Maximum number of responses.
const ANSWERS: usize = 8;

thread_local! {
    static POLICY: LazyCell<Policy> =
        LazyCell::new(|| policies::tokens(policies::FETCHED).unwrap());
}

fuzz_target!(|bytes: &[u8]| {
    let answers = parts(bytes);
    for answer in &answers {
        read(Message::read(answer).body);
    }
    for source in POLICY.with(|policy| policy.worker().sources) {
        Proxy::new(source).run(&answers);
    }
});

fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let mut rest = bytes;
    let mut parts = Vec::new();
    while let Some(end) = rest.windows(MARK.len()).position(|part| part == MARK) {
        parts.push(&rest[..end]);
        rest = &rest[end + MARK.len()..];
    }
    parts.push(rest);
    parts.truncate(ANSWERS);
    parts
}

/// Parses bytes as data of another worker or of a server.
fn read(bytes: &[u8]) {
    if let Some(control) = Control::decode(bytes) {
        assert_eq!(Control::decode(&control.encode()), Some(control));
    }
    if let Some(document) = Document::decode(bytes) {
        assert_eq!(document.encode(), bytes);
    }
    let crypto = Crypto::pure();
    let all = KeySet::parse(bytes, &crypto);
    if let Err(invalid) = &all {
        assert!(invalid.to_string().len() <= 256, "{invalid}");
    }
    match KeySet::parse_remote(bytes, &crypto) {
        Ok((set, _)) => assert_public(&set),
        Err(invalid) => assert!(invalid.to_string().len() <= 256, "{invalid}"),
    }
}

fn assert_public(set: &KeySet) {
    assert!((1..=MAX_KEYS).contains(&set.keys().len()));
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        assert_eq!(set.candidates(None, algorithm).count(), 0, "a fetched symmetric key");
    }
}

/// Shared data of a source.
struct Proxy {
    source: Source,
    control: Control,
    document: Option<Document>,
    calls: usize,
    now: Duration,
}

impl Proxy {
    fn new(source: Source) -> Self {
        let now = Duration::from_secs(policies::NOW);
        Self { source, control: Control::default(), document: None, calls: 0, now }
    }

    /// Wakes the worker whenever a fetch is due, and passes it one response after another.
    fn run(&mut self, answers: &[&[u8]]) {
        for answer in answers {
            self.feed(Event::Tick(self.control));
            let message = Message::read(answer);
            let body = (message.body.len() <= self.source.spec().max_bytes())
                .then(|| message.body.to_vec());
            if self.calls > 0 {
                self.calls -= 1;
                self.feed(Event::Answer(Answer { headers: message.headers, body }));
            }
            self.assert_bounded();
            self.now += self.source.next_attempt(self.now) + Duration::from_millis(1);
        }
    }

    fn feed(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let effects = self.source.handle(event, self.now, 80);
            assert!(effects.len() <= 4 * MAX_KEYS, "{} effects of one event", effects.len());
            effects.into_iter().for_each(|effect| events.extend(self.apply(effect)));
        }
    }

    fn apply(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::ReadDocument => return self.document.clone().map(Event::Document),
            Effect::Lease(control) => {
                self.control = control;
                return Some(Event::Leased(control));
            }
            Effect::Call(call) => {
                self.calls += 1;
                let is_url = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
                assert!(call.path.starts_with('/') && is_url(&call.path), "{call:?}");
                assert!(!call.authority.is_empty() && is_url(&call.authority), "{call:?}");
                legal::header_value(call.etag.unwrap_or_default().as_bytes());
            }
            Effect::Write { holder, document, control } => {
                if self.control.holder == holder {
                    self.document = document.or(self.document.take());
                    self.control = control;
                }
            }
            Effect::LogWarning(line) | Effect::LogInfo(line) => {
                legal::line(&line);
                assert!(line.len() <= 1024, "{} bytes in a line", line.len());
            }
            Effect::Count(_) | Effect::FetchTime(_) => {}
        }
        None
    }

    fn assert_bounded(&self) {
        let day = Duration::from_secs(86_400);
        assert!(self.control.next_fetch <= self.now + day, "no further fetch");
        assert!(self.control.fresh_until <= self.now + day, "fresh for ever");
        match self.source.state(self.now) {
            State::Ready(Content::Keys(set)) => assert_public(&set),
            State::Ready(Content::DenyList(list)) => assert!(list.len() <= 50_000),
            State::Cold | State::Expired => {}
        }
    }
}
