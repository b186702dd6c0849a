//! Any request gets a decision with valid headers and valid tags.

#![no_main]

use std::{
    cell::LazyCell,
    time::{Duration, SystemTime},
};

use access_control::{Decision, Reason};
use fault_injection::{BodyEdit, Chunk, Draws, Phase, RateLimiter, Step};
use filter_core::{Generator, HeaderEdits, Headers, Request};
use fuzz::{legal, message::Message, policies};
use libfuzzer_sys::fuzz_target;
use rate_limit::{
    Clocks, Denial, PageDraw, Plan, PlannedDraw, Refusal, ResponseParts, Secret, Usage,
};
use routing_tags::{Inputs, Tag};
use telemetry::{Direction, Record, explain::StreamDescription};

struct Policies {
    access: access_control::Policies,
    faults: fault_injection::Policy,
    limits: rate_limit::Policy,
    tags: routing_tags::Policy,
    telemetry: telemetry::Policy,
}

thread_local! {
    static POLICIES: LazyCell<Policies> = LazyCell::new(|| Policies {
        access: policies::access(policies::ACCESS).unwrap(),
        faults: policies::faults(policies::FAULTS).unwrap(),
        limits: policies::limits(policies::LIMITS).unwrap(),
        tags: policies::tags(policies::TAGS).unwrap(),
        telemetry: policies::telemetry(policies::TELEMETRY).unwrap(),
    });
}

fuzz_target!(|bytes: &[u8]| {
    let message = Message::read(bytes);
    let request = request(&message);
    POLICIES.with(|policies| {
        check_tags(&policies.tags, &request, message.bits());
        check_faults(&policies.faults, &request, &message);
        check_limits(&policies.limits, &request, &message);
        check_access(&policies.access, &request);
        check_explanation(&policies.telemetry, &request, &message);
    });
});

/// Returns the request of a message; some headers supply other data of the proxy.
fn request(message: &Message<'_>) -> Request {
    let text = |name| std::str::from_utf8(message.headers.first(name)?).ok();
    let metadata = message.headers.first("x-metadata").and_then(filter_core::parse_exact);
    let written = |value| ("envoy.filters.http.lua".to_owned(), value);
    Request {
        metadata: metadata.map(written).into_iter().collect(),
        claims: message.headers.first("x-claims").and_then(filter_core::parse_exact),
        source_address: text("x-source").and_then(|text| text.parse().ok()),
        source_principal: message.headers.first("x-principal").map(<[u8]>::to_vec),
        ..message.request()
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(policies::NOW)
}

fn check_tags(policy: &routing_tags::Policy, request: &Request, seed: u64) {
    let mut generator = Generator::new(seed);
    let mut bits = || generator.bits();
    let is_rolled_back = |_| seed.is_multiple_of(2);
    let mut inputs = Inputs { now: now(), random_bits: &mut bits, is_rolled_back: &is_rolled_back };
    let decision = policy.decide(request, &mut inputs);
    decision.request.iter().for_each(|edits| assert_tags(policy, edits));
    decision.filter_state.iter().for_each(|value| legal::header_value(value));
    decision.counters.iter().for_each(|counter| assert!(counter.index() < policy.counters().len()));
    assert_one_owner(policy, request, &decision);
    let Some(response) = &decision.response else { return };
    response.edits.iter().for_each(legal::edits);
    response.cookies.iter().for_each(|cookie| legal::header_value(cookie.as_bytes()));
    response.explanation.iter().for_each(|text| legal::header_value(text.as_bytes()));
}

fn assert_tags(policy: &routing_tags::Policy, edits: &HeaderEdits) {
    legal::edits(edits);
    let written = edits.set.iter().chain(&edits.add);
    for (_, value) in written.filter(|(name, _)| policy.tag_headers().contains(name)) {
        assert!(Tag::from_bytes(value).is_some(), "{} is not a tag", value.escape_ascii());
    }
}

/// Fails unless untrusted tags are removed: each header with a tag has at most one value.
fn assert_one_owner(
    policy: &routing_tags::Policy,
    request: &Request,
    decision: &routing_tags::Decision,
) {
    let mut headers = legal::changed(&request.headers, &decision.strip, &HeaderEdits::default());
    for edits in &decision.request {
        headers = legal::changed(&headers, &[], edits);
    }
    let is_trusted = request.headers.first("x-trust").is_some() || request.source_address.is_some();
    for header in policy.tag_headers().iter().filter(|_| !is_trusted && !decision.is_dry_run) {
        let values: Vec<_> = headers.all(header.as_str()).collect();
        let written = decision.request.iter().flat_map(|edits| edits.set.iter().chain(&edits.add));
        let own = |value: &&[u8]| {
            written.clone().any(|(name, written)| name == header && written == value)
        };
        assert!(values.len() <= 1 && values.iter().all(own), "{header} has an untrusted tag");
    }
}

fn check_faults(policy: &fault_injection::Policy, request: &Request, message: &Message<'_>) {
    let draws = Draws::random(&mut Generator::new(message.bits()));
    assert!(!policy.explain(request, &draws, now()).to_string().is_empty());
    let Some(plan) = policy.decide(request, &draws, now()).plan else { return };
    assert!(policy.may_fire(&draws), "a plan without a draw that may fire");
    assert!(plan.delay.is_none_or(|length| length <= Duration::from_secs(2)), "{plan:?}");
    assert!(!policy.counts(&plan).is_empty());
    legal::header_value(policy.summary(&plan).as_bytes());
    policy.reply(&plan).iter().for_each(legal::reply);
    for (phase, first) in
        [(Phase::Request, policy.on_request(&plan)), (Phase::Response, policy.on_response(&plan))]
    {
        let last = match first {
            Step::Delay(length) => {
                assert!(!length.is_zero(), "a delay of zero");
                policy.after_delay(&plan, phase, now(), || false)
            }
            other => other,
        };
        assert!(!matches!(last, Step::Delay(_)), "a delay after a delay");
        assert!(last != Step::Abort || plan.abort.is_some(), "an abort without a kind");
    }
    if let Some((status, edits)) = policy.response_edits(&plan) {
        assert!(status.is_none_or(|status| (200..600).contains(&status)));
        legal::edits(edits);
    }
    let sizes = message.body.split(|byte| *byte == b'\n').map(<[u8]>::len);
    policy.body_edit(&plan).into_iter().for_each(|edit| assert_body(edit, sizes.clone()));
    plan.rate.into_iter().for_each(|rate| assert_rate(rate, sizes.clone()));
}

/// Fails unless a body is replaced once, or truncated at the right length.
fn assert_body(edit: &BodyEdit, sizes: impl Iterator<Item = usize>) {
    let (mut seen, mut passed) = (0_u64, 0_u64);
    for (index, size) in sizes.enumerate() {
        let chunk = edit.edit(index == 0, seen, size);
        passed += match &chunk {
            Chunk::Keep => size as u64,
            Chunk::Cut(keep) => (*keep).min(size) as u64,
            Chunk::Replace(body) => body.len() as u64,
            Chunk::Reset => return,
        };
        seen += size as u64;
        let expected = match edit {
            BodyEdit::Replace(body) => body.len() as u64,
            BodyEdit::Truncate(limit) | BodyEdit::Reset(limit) => *limit.min(&seen),
        };
        assert_eq!(passed, expected, "{edit:?} {chunk:?}");
    }
}

fn assert_rate(rate: u64, sizes: impl Iterator<Item = usize>) {
    let mut limiter = RateLimiter::new(rate);
    let mut due = Duration::ZERO;
    for size in sizes {
        let next = limiter.reserve(size, Duration::from_secs(1));
        assert!(next >= due, "a byte is due before the bytes before it");
        due = next;
    }
}

fn check_limits(policy: &rate_limit::Policy, request: &Request, message: &Message<'_>) {
    let bits = message.bits();
    let draw = u32::try_from(bits % 1_000_000).unwrap_or_default();
    let inputs = rate_limit::Inputs { secret: Secret::default(), now: now(), draw };
    let plan = policy.plan(request, &inputs);
    assert_eq!(plan, policy.plan(request, &inputs), "equal requests, different plans");
    // Nanoseconds of any magnitude.
    let clocks = Clocks {
        monotonic: Duration::from_nanos(bits >> (bits % 64)),
        wall: now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
    };
    let usages: Vec<Usage> =
        plan.draws.iter().map(|draw| use_page(draw, clocks, message)).collect();
    let header = message.headers.first("x-units");
    for draw in plan.draws.iter().filter(|draw| draw.is_charged) {
        let response = ResponseParts { status: Some(401), grpc_status: None, header };
        assert!(policy.charge(draw, response).is_none_or(|units| units <= 1_000_000));
    }
    let headers = policy.admitted_headers(&usages);
    headers.iter().for_each(|(_, value)| legal::header_value(value));
    legal::header_value(policy.explanation(request, &plan, &usages).as_bytes());
    assert_replies(policy, request, &plan, &usages);
}

/// Draws from the bytes of a message, as from a page that another plugin has written.
fn use_page(draw: &PlannedDraw, clocks: Clocks, message: &Message<'_>) -> Usage {
    let usage = |remaining, reset, is_over| Usage { draw: *draw, remaining, reset, is_over };
    let Some(rate) = draw.rate else { return usage(0, Duration::MAX, true) };
    let assert_small = |page: &[u8]| assert!(page.len() <= 512, "{} bytes", page.len());
    let mut charged = message.body.to_vec();
    rate.charge(&mut charged, draw.key, clocks, message.bits());
    assert_small(&charged);
    rate.give_back(&mut charged, draw.key, clocks, message.bits());
    assert_small(&charged);
    let mut page = message.body.to_vec();
    match rate.draw(&mut page, draw.key, clocks, draw.amount) {
        PageDraw::Admitted(admission) => {
            assert_small(&page);
            assert!(admission.wait <= draw.amount.max_wait, "{admission:?}");
            assert!(admission.remaining + draw.amount.cost <= draw.burst, "{draw:?} {admission:?}");
            let again = rate.draw(&mut page, draw.key, clocks, draw.amount);
            if let PageDraw::Admitted(next) = again {
                let is_less = next.remaining <= admission.remaining;
                assert!(is_less || admission.is_evicting, "a draw gave units");
            }
            usage(admission.remaining, admission.reset, false)
        }
        PageDraw::Refused { refusal, .. } => {
            assert!(!refusal.retry_after.is_zero(), "{draw:?}");
            usage(refusal.remaining, refusal.retry_after, true)
        }
    }
}

/// Fails unless the replies of all limits are valid.
fn assert_replies(policy: &rate_limit::Policy, request: &Request, plan: &Plan, usages: &[Usage]) {
    let refused = usages.iter().map(|usage| {
        let refusals = vec![Refusal { rule: usage.draw.rule, retry_after: usage.reset }];
        Denial { refusals, usages: usages.to_vec(), ..Denial::default() }
    });
    for denial in refused.chain(plan.denied_by.map(Denial::never)).chain(policy.unreadable()) {
        let reply = policy.reply(&denial, &request.headers);
        let reply = reply.expect("a reply to a refused request");
        legal::reply(&reply);
        assert!((400..600).contains(&reply.status), "{reply:?}");
        legal::header_value(policy.summary(&denial).as_bytes());
        if let Some(time) = denial.retry_after() {
            let value = reply.headers.iter().find(|(name, _)| name.as_str() == "retry-after");
            let seconds =
                value.and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok());
            let seconds: u64 = seconds.expect("a number in retry-after");
            assert!(seconds >= 1 && Duration::from_secs(seconds) >= time, "too early");
        }
    }
}

fn check_access(policies: &access_control::Policies, request: &Request) {
    let decision = policies.decide(request, now());
    assert_eq!(decision, policies.decide(request, now()), "equal requests, different decisions");
    legal::header_value(policies.summary(&decision).as_bytes());
    let explanation = policies.explain(&decision, request, now());
    explanation.iter().for_each(|text| legal::header_value(text.as_bytes()));
    let reply = policies.reply(&decision, &request.headers);
    legal::reply(&reply);
    assert!((300..600).contains(&reply.status), "{reply:?}");
    let verdict = decision.verdict;
    assert!(!verdict.is_allowed || !decision.is_tolerated, "an allowed request is tolerated");
    assert!(!verdict.is_allowed || verdict.reason != Reason::NoPolicyAllows, "{verdict:?}");
    let decide = |headers: Headers| -> Decision {
        policies.decide(&Request { headers, ..request.clone() }, now())
    };
    // Another value of a header that a rule needs never opens a door.
    if request.headers.first("x-role").is_some() {
        let mut headers = request.headers.clone();
        headers.push("x-role", "another");
        let repeated = decide(headers).verdict;
        assert!(verdict.is_allowed || !repeated.is_allowed, "a repeated header is allowed");
    }
    // Neither does a path that the next hop reads as a denied one.
    if let Some(path) = request.headers.first(":path").filter(|path| path.starts_with(b"/")) {
        let mut headers = request.headers.clone();
        headers.remove(":path");
        headers.push(":path", [b"/x/..", path].concat());
        let detour = decide(headers).verdict;
        assert!(verdict.is_allowed || !detour.is_allowed, "a path with dot segments is allowed");
    }
}

fn check_explanation(policy: &telemetry::Policy, request: &Request, message: &Message<'_>) {
    let bits = message.bits();
    let described = StreamDescription {
        request: request.clone(),
        record: Record {
            status: u16::try_from(bits % 700).ok().filter(|status| *status >= 100),
            grpc_status: u32::try_from(bits % 23).ok(),
            duration: Duration::from_nanos(bits),
            request_bytes: bits >> 32,
            response_bytes: bits,
            ..Record::default()
        },
        direction: Direction::ALL[(bits % 3) as usize],
        seed: bits,
        draw: u32::try_from(bits % 1_000_000).unwrap_or_default(),
        ..StreamDescription::default()
    };
    let explanation = policy.explain(&described);
    assert!(!explanation.to_string().is_empty());
    for addition in &explanation.series {
        for (name, value) in &addition.labels {
            let is_fit =
                value.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b";=\"\\".contains(&byte));
            assert!(is_fit && !value.is_empty(), "label {name} has the value {value:?}");
        }
    }
    for change in explanation.tracing.iter().flat_map(|traced| &traced.start.changes) {
        if let telemetry::HeaderChange::Set(_, value) = change {
            legal::header_value(value.as_bytes());
        }
    }
    if let Some(headers) = policy.response_headers() {
        let id = request.headers.first("x-request-id");
        let told = headers.headers(described.record.duration, Some("0af7"), id);
        told.iter().for_each(|(_, value)| legal::header_value(value));
    }
}
