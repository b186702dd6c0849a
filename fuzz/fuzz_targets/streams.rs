//! For any order of events, the suite forwards no private path without a token and no forged
//! header, and holds no stream for good.

#![no_main]

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use filter_core::Headers;
use filter_host::{
    HostError,
    memory::{Proxy, Worker},
};
use fuzz::tokens::{RFC_KEYS, RFC_NOW, RFC_TOKEN};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use suite::Suite;

/// Maximum number of steps of an input.
const MAX_STEPS: usize = 200;
/// Time after which every held stream must have been resumed or answered.
const LONGEST_HOLD: Duration = Duration::from_secs(120);

fuzz_target!(|bytes: &[u8]| {
    let proxy = Proxy::new();
    proxy.set_now(RFC_NOW);
    proxy.add_cluster("keys");
    let worker = proxy.worker(&document().to_string()).expect("a valid document");
    let mut session = Session { proxy, worker, streams: BTreeMap::new(), fails: Cell::new(false) };
    for step in bytes.split(|byte| *byte == b'\n').take(MAX_STEPS) {
        session.step(step);
    }
    session.finish();
});

fn document() -> Value {
    let share = |share: u32, mut fault: Value| {
        fault["percentage"] = json!({"value": share});
        fault
    };
    json!({
        "jwt-auth": {
            "jwtRules": [{"issuer": "joe", "jwksUri": "https://idp.example.com/keys",
                "jwksFetch": {"cluster": "keys"},
                "outputClaimToHeaders": [{"header": "x-issuer", "claim": "iss"}]}],
            "rules": [{"match": [{"uri": {"prefix": "/private"}}], "token": "REQUIRED"}]
        },
        "rate-limit": {
            "limits": [{"name": "at-once", "concurrent": 5}],
            "rateLimitHeaders": "ALL",
            "maxWaiting": 3,
            "http": [{"limits": [
                {"name": "user", "requests": 50, "per": "1s", "burst": 2, "wait": "100ms",
                    "key": [{"httpHeaderName": "x-user"}]},
                {"name": "failed", "requests": 20, "per": "1s", "charge": {"status": ["200"]}},
            ]}]
        },
        "access-control": {"policies": [
            {"name": "private", "action": "DENY", "rules": [{
                "to": [{"operation": {"paths": ["/private", "/private/*"]}}],
                "when": [{"key": "request.auth.claims[iss]", "notValues": ["joe"]}]}]},
            {"name": "trial", "action": "DENY", "dryRun": true, "rules": [{
                "when": [{"key": "request.headers[x-user]", "values": ["1*"]}]}]},
        ]},
        "routing-tags": {"http": [
            {"match": [{"claims": {"iss": {"exact": "joe"}}}], "tag": "joe"},
            {"name": "sticky", "split": [{"tag": "v1", "weight": 50}, {"tag": "v2", "weight": 50}],
                "consistentHash": {"httpHeaderName": "x-user"}}
        ]},
        "telemetry": {"metrics": {"labels": true}, "filterState": true},
        "fault-injection": {"maxActiveFaults": 3, "http": [{"fault": {
            "delay": share(40, json!({"fixedDelay": "20ms"})),
            "abort": share(10, json!({"httpStatus": 503})),
            "responseRateLimit": share(50, json!({"fixedLimit": {"limitKbps": 1}})),
        }}]},
    })
}

/// A stream of the session.
struct Open {
    may_be_private: bool,
    is_responded: bool,
}

struct Session {
    proxy: Proxy,
    worker: Worker<Suite>,
    streams: BTreeMap<u32, Open>,
    /// `true` once a host call failed, so that less can be asserted.
    fails: Cell<bool>,
}

impl Session {
    /// Performs a step: a letter, and an argument.
    fn step(&mut self, step: &[u8]) {
        let Some((kind, rest)) = step.split_first() else { return };
        let number = rest.iter().filter(|byte| byte.is_ascii_digit()).take(4);
        let number = number.fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        match kind {
            b'o' => self.open(rest),
            b'w' => self.worker.advance(Duration::from_millis(number)),
            b'k' => self.answer("200", RFC_KEYS.as_bytes()),
            b'a' => self.answer("200", rest),
            b'n' => self.answer("503", rest),
            b'f' => {
                let index = self.proxy.trace().len() + usize::try_from(number).unwrap_or(0);
                self.proxy.fail(index, HostError::InternalFailure);
                self.fails.set(true);
            }
            _ => {
                let count = self.streams.len().max(1);
                let nth = usize::try_from(number).unwrap_or(0) % count;
                if let Some(context) = self.streams.keys().nth(nth).copied() {
                    self.stream_step(*kind, context, rest);
                }
            }
        }
    }

    fn open(&mut self, line: &[u8]) {
        let mut headers = Headers::from_iter([(":method", "GET"), (":authority", "shop")]);
        let is_private = line.contains(&b'p');
        headers.push(":path", if is_private { "/private/1" } else { "/orders" });
        let is_signed = line.contains(&b's');
        if is_signed {
            headers.push("authorization", format!("Bearer {RFC_TOKEN}"));
        }
        headers.push("x-issuer", "forged");
        headers.push("x-user", line);
        let context = self.worker.open(headers, !line.contains(&b'b'));
        let may_be_private = is_signed || !is_private;
        self.streams.insert(context, Open { may_be_private, is_responded: false });
        self.assert_forwarded(context);
    }

    fn answer(&mut self, status: &str, body: &[u8]) {
        if let Some(call) = self.worker.calls().first() {
            self.worker.answer(*call, &[(":status", status)], body);
        }
    }

    fn stream_step(&mut self, kind: u8, context: u32, rest: &[u8]) {
        self.assert_forwarded(context);
        let state = self.worker.stream(context);
        let Some(stream) = self.streams.get_mut(&context) else { return };
        let can_send = state.is_forwarded() && !stream.is_responded;
        let can_receive = stream.is_responded && state.reset.is_none() && !state.is_response_paused;
        match kind {
            b'b' if can_send => drop(self.worker.request_body(context, rest, false)),
            b't' if can_send => self.worker.request_trailers(context, &[("x-issuer", "forged")]),
            b'r' | b'h' if can_send => {
                stream.is_responded = true;
                let headers = [(":status", "200"), ("content-length", "3")];
                self.worker.response_headers(context, &headers, kind == b'r');
            }
            b'd' if can_receive => drop(self.worker.response_body(context, rest, false)),
            b'e' if can_receive => drop(self.worker.response_body(context, rest, true)),
            b'g' if can_receive => self.worker.response_trailers(context, &[("a", "b")]),
            b'x' | b'l' => {
                self.streams.remove(&context);
                let end = if kind == b'x' { Worker::end } else { Worker::leave };
                drop(end(&mut self.worker, context));
            }
            _ => {}
        }
    }

    /// Fails if a private path without a token, or a forged header, was forwarded.
    fn assert_forwarded(&self, context: u32) {
        let state = self.worker.stream(context);
        if !state.is_forwarded() {
            return;
        }
        assert!(self.streams[&context].may_be_private, "forwarded without a token");
        assert_ne!(state.request_header("x-issuer").as_deref(), Some("forged"));
    }

    fn finish(mut self) {
        self.worker.advance(LONGEST_HOLD);
        for context in std::mem::take(&mut self.streams).into_keys() {
            let state = self.worker.stream(context);
            let is_over = state.reply.is_some() || state.reset.is_some();
            let is_held = state.is_request_paused || state.is_response_paused;
            assert!(is_over || !is_held || self.fails.get(), "a stream is held for good");
            drop(self.worker.end(context));
        }
        self.worker.advance(Duration::from_secs(5));
        if !self.fails.get() {
            for gauge in [
                "weir_fault_injection_active",
                "weir_jwt_auth_held_requests",
                "weir_rate_limit_active_test_at_once",
                "weir_rate_limit_waiting",
            ] {
                assert_eq!(self.proxy.metric(gauge), 0, "{gauge}");
            }
        }
    }
}
