//! Only a valid token, unchanged in every byte, gives an identity or passes a rule that requires one;
//! refusals never show a token.

#![no_main]

use std::{sync::LazyLock, time::Duration};

use filter_core::{Headers, Reply, Request, percent_decode};
use fuzz::{legal, message::Message, policies, tokens};
use jwt_auth::{Admission, Policy, Verdict, WaitPolicy};
use libfuzzer_sys::fuzz_target;

/// Headers that are set only from a verified token.
const OUTPUTS: [&str; 5] = ["x-user", "x-roles", "x-ab", "x-payload", "x-principal"];
/// Parameter and cookie from which tokens are removed.
const PARAMETER: &[u8] = b"token";
const COOKIE: &[u8] = b"session";

// A policy has no state, but is not `Sync`.
thread_local! {
    static POLICY: LazyLock<Policy> = LazyLock::new(|| policies::tokens(policies::TOKENS).unwrap());
}

fuzz_target!(|bytes: &[u8]| {
    let message = Message::read(bytes);
    POLICY.with(|policy| check(policy, &message));
});

fn check(policy: &Policy, message: &Message<'_>) {
    let request = message.request();
    let headers = &request.headers;
    let now = Duration::from_secs(policies::NOW);
    let mut worker = policy.worker();
    let verdict = policy.decide(&mut worker, &request, now, WaitPolicy::DecideNow).verdict;
    let again = policy.decide(&mut worker, &request, now, WaitPolicy::DecideNow).verdict;
    assert_eq!(verdict, again, "the token cache changes the verdict");
    match verdict {
        Verdict::Allow(admission) => assert_admitted(headers, &admission),
        Verdict::Deny(denial) => match policy.respond(&denial, headers).outcome {
            Err(reply) => assert_refused(headers, &reply),
            Ok(admission) => assert_admitted(headers, &admission),
        },
        Verdict::Wait(wait) => panic!("waits without a fetch: {wait:?}"),
    }
    policy.explain(&mut worker, &request, now);
    assert_no_change_admits(policy, &request, message.bits());
    assert_no_claim_changes(policy, &request, message.bits());
}

/// Headers with tokens, except `:path`, which selects the rule.
const CREDENTIALS: [&str; 4] = ["authorization", "x-token", "x-other", "cookie"];

/// Fails if a request that needs a token passes without a good one, unchanged or with one byte of
/// its credentials changed.
fn assert_no_change_admits(policy: &Policy, request: &Request, bits: u64) {
    let mut bare = request.headers.clone();
    CREDENTIALS.iter().for_each(|name| {
        bare.remove(name);
    });
    if holds_any(&bare) || is_admitted(policy, &bare) {
        return;
    }
    assert!(holds_any(&request.headers) || !is_admitted(policy, &request.headers));
    let bytes = bits.to_le_bytes();
    let index = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    let mut changed = Headers::default();
    for (name, value) in request.headers.iter() {
        let mut value = value.to_vec();
        let is_credential = CREDENTIALS.iter().any(|known| name == known.as_bytes());
        if is_credential && !value.is_empty() {
            let index = index % value.len();
            value[index] = bytes[2];
        }
        changed.push(name, value);
    }
    let admits = is_admitted(policy, &changed);
    assert!(holds_any(&changed) || !admits, "a change of one byte admits");
}

/// Fails if a good token still gives an identity after a change of one byte.
fn assert_no_claim_changes(policy: &Policy, request: &Request, bits: u64) {
    let bytes = bits.to_le_bytes();
    for token in tokens::GOOD {
        let mut changed = token.as_bytes().to_vec();
        let index = usize::from(u16::from_le_bytes([bytes[0], bytes[1]])) % changed.len();
        let byte = bytes[3] & 0x7f;
        if changed[index] == byte {
            continue;
        }
        changed[index] = byte;
        let mut headers = request.headers.clone();
        CREDENTIALS.iter().for_each(|name| {
            headers.remove(name);
        });
        if holds_any(&headers) {
            return;
        }
        headers.push("authorization", [b"Bearer ", &changed[..]].concat());
        let request = Request { headers, ..Request::default() };
        let now = Duration::from_secs(policies::NOW);
        let mut worker = policy.worker();
        let verdict = policy.decide(&mut worker, &request, now, WaitPolicy::DecideNow).verdict;
        let identity = matches!(verdict, Verdict::Allow(admission) if admission.identity.is_some());
        assert!(!identity, "{} still gives an identity", changed.escape_ascii());
    }
}

fn is_admitted(policy: &Policy, headers: &Headers) -> bool {
    let request = Request { headers: headers.clone(), ..Request::default() };
    let now = Duration::from_secs(policies::NOW);
    let verdict = policy.decide(&mut policy.worker(), &request, now, WaitPolicy::DecideNow).verdict;
    match verdict {
        Verdict::Allow(_) => true,
        Verdict::Deny(denial) => policy.respond(&denial, headers).outcome.is_ok(),
        Verdict::Wait(wait) => panic!("waits without a fetch: {wait:?}"),
    }
}

fn holds_any(headers: &Headers) -> bool {
    tokens::GOOD.iter().any(|token| holds(headers, token))
}

fn assert_admitted(headers: &Headers, admission: &Admission) {
    legal::edits(&admission.edits);
    let is_known = tokens::GOOD.iter().any(|token| holds(headers, token));
    assert!(admission.identity.is_none() || is_known, "an identity without a good token");
    let after = legal::changed(headers, &admission.strip, &admission.edits);
    for (name, value) in
        OUTPUTS.into_iter().flat_map(|name| after.all(name).map(move |v| (name, v)))
    {
        assert!(admission.identity.is_some(), "{name} without an identity");
        assert!(name != "x-user" || value == b"alice", "another user");
    }
    if let Some(path) = &admission.path {
        legal::header_value(path);
        assert_cut(headers.first(":path").unwrap_or_default(), path);
    }
    assert_cookies(headers, &after);
}

/// Returns `true` if a header or a query contains a token, escaped or not.
fn holds(headers: &Headers, token: &str) -> bool {
    headers.iter().any(|(name, value)| {
        let value = if name == b":path" { percent_decode(value) } else { value.into() };
        value.windows(token.len()).any(|part| part == token.as_bytes())
    })
}

/// Fails unless `after` equals `before` except for parameters that may contain a token.
fn assert_cut(before: &[u8], after: &[u8]) {
    let kept = |target: &[u8]| -> Vec<Vec<u8>> {
        let end = target.iter().position(|byte| *byte == b'#').unwrap_or(target.len());
        let (target, fragment) = target.split_at(end);
        let (path, query) = fuzz::message::cut(target, b'?');
        let pairs = query.split(|byte| *byte == b'&');
        let others = pairs.filter(|pair| {
            !pair.is_empty() && *percent_decode(fuzz::message::cut(pair, b'=').0) != *PARAMETER
        });
        [path, fragment].into_iter().chain(others).map(<[u8]>::to_vec).collect()
    };
    assert_eq!(kept(before), kept(after), "{}", before.escape_ascii());
}

/// Fails unless every cookie that cannot contain a token is kept.
fn assert_cookies(before: &Headers, after: &Headers) {
    let kept = |headers: &Headers| -> Vec<(Vec<u8>, Vec<u8>)> {
        let all = filter_core::cookies(headers).filter(|(name, _)| *name != COOKIE);
        all.map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    };
    assert_eq!(kept(before), kept(after));
}

fn assert_refused(headers: &Headers, reply: &Reply) {
    legal::reply(reply);
    let written = reply.headers.iter().map(|(_, value)| value.as_slice());
    let shown: Vec<&[u8]> = written.chain([&*reply.body, reply.details.as_bytes()]).collect();
    // The realm is the URL without its query.
    let realm =
        [":scheme", ":authority", ":path"].map(|name| headers.first(name).unwrap_or_default());
    for value in ["authorization", "x-token", "x-other"].iter().flat_map(|name| headers.all(name)) {
        let words = value.split(|byte| !byte.is_ascii_alphanumeric() && !b"._-".contains(byte));
        for token in words.filter(|word| word.starts_with(b"eyJ") && word.len() >= 24) {
            let holds = |text: &&[u8]| text.windows(token.len()).any(|part| part == token);
            assert!(realm.iter().any(&holds) || !shown.iter().any(holds), "a token");
        }
    }
}
