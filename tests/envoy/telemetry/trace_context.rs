//! The cases of the W3C test suite for Trace Context, run through a real Envoy.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{
    fake_collector::{Behaviour, FakeCollector},
    upstream::Received,
};

use super::collectors::{Fixture, Protocol, cluster, sample_all};

const TRACE: &str = "12345678901234567890123456789012";
const SPAN: &str = "1234567890123456";

/// Sends a request with these raw header lines and returns it as received by the application.
fn send(fixture: &Fixture, lines: &[String]) -> Result<Received> {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!("GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{lines}\r\n");
    let response = fixture.envoy.http1().raw(request.as_bytes())?;
    ensure!(response.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&response));
    fixture.app.received().last().cloned().context("nothing arrived")
}

fn start(collector: &FakeCollector) -> Result<Fixture> {
    let clusters = vec![cluster(Protocol::Grpc, collector.address())];
    Fixture::start(1, clusters, &sample_all(Protocol::Grpc, &json!({})))
}

/// Returns a `traceparent` of this version with `rest` as the flags and anything after them.
fn parent(version: &str, rest: &str) -> String {
    format!("{version}-{TRACE}-{SPAN}-{rest}")
}

fn traceparent(value: &str) -> String {
    format!("traceparent: {value}")
}

/// Returns header lines whose context must be continued.
fn followed() -> Vec<Vec<String>> {
    let good = parent("00", "01");
    let blanks = [" ", "\t", "\t "].map(|blank| format!("traceparent:{blank}{good}{blank}"));
    let names = ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"].map(|name| format!("{name}: {good}"));
    let future =
        ["01", "01-what-the-future-will-be-like"].map(|rest| traceparent(&parent("cc", rest)));
    let alone = blanks.into_iter().chain(names).chain(future).chain([traceparent(&good)]);
    alone.map(|line| vec![line]).collect()
}

/// Returns header lines whose context is invalid.
fn refused() -> Vec<Vec<String>> {
    let twice = [parent("00", "01"), parent("00", "01").replacen("12-", "11-", 1)];
    let mut cases = vec![twice.iter().map(|value| traceparent(value)).collect()];
    let versions = ["ff", ".0", "0.", "000", "0000", "0"].map(|version| parent(version, "01"));
    let ends = ["01.", "01-what-the-future-will-be-like", ".0", "0.", "001", "1"];
    let trace = |id: &str| format!("00-{id}-{SPAN}-01");
    let ids = [
        trace(&"0".repeat(32)),
        trace(&TRACE.replacen('1', ".", 1)),
        trace("1234567890123456789012345678901."),
        trace(&format!("{TRACE}3")),
        trace("1234567890123456789012345678901"),
    ];
    let span = |id: &str| format!("00-{TRACE}-{id}-01");
    let parents = [
        span(&"0".repeat(16)),
        span(".234567890123456"),
        span("123456789012345."),
        span(&format!("{SPAN}7")),
        span("123456789012345"),
    ];
    let values = versions.into_iter().chain(ends.map(|rest| parent("00", rest))).chain(ids);
    let values = values.chain(parents).chain([parent("cc", "01.what-the-future-will-be-like")]);
    cases.extend(values.map(|value| vec![traceparent(&value)]));
    cases
}

/// Returns the trace id, parent id and flags that the application received.
fn context(received: &Received) -> Result<(String, String, String)> {
    let values = received.header("traceparent");
    let [value] = values.as_slice() else { anyhow::bail!("not one: {values:?}") };
    let parts: Vec<&str> = value.split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else { anyhow::bail!("{value}") };
    ensure!(*version == "00" && trace.len() == 32 && span.len() == 16, "{value}");
    ensure!(value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')), "{value}");
    Ok(((*trace).to_owned(), (*span).to_owned(), (*flags).to_owned()))
}

#[test]
fn traceparent_handling_passes_the_w3c_suite() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let fixture = start(&collector)?;
    let mut spans = BTreeSet::from([SPAN.to_owned()]);
    let with_state = |mut case: Vec<String>| {
        case.push("tracestate: foo=1".to_owned());
        case
    };
    for case in followed().into_iter().map(with_state) {
        let received = send(&fixture, &case)?;
        let (trace, span, flags) = context(&received)?;
        assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "01"), "{case:?}");
        assert_eq!(received.header("tracestate"), ["foo=1"], "{case:?}");
        assert!(spans.insert(span), "{case:?}");
    }
    let refused = refused();
    let missing = [vec![], vec![format!("trace-parent: {}", parent("00", "01"))]];
    let invalid = refused.len() as u64;
    for case in refused.into_iter().chain(missing).map(with_state) {
        let received = send(&fixture, &case)?;
        let (trace, span, flags) = context(&received)?;
        assert!(!trace.starts_with("1234567890") && !trace.starts_with("0000000000"), "{case:?}");
        assert_eq!(flags, "01", "{case:?}");
        assert_eq!(received.header("tracestate"), [""; 0], "{case:?}");
        assert!(spans.insert(span), "{case:?}");
    }
    let names = ["traceparent_invalid_total", "tracestate_invalid_total"];
    fixture.wait_until("counting", || Ok(fixture.stats(names)? == [invalid, 0]))
}

/// Returns `count` list members, on one line and as the suite's lines of ten.
fn members(count: usize) -> (String, Vec<String>) {
    let all: Vec<String> =
        (1..=count).map(|number| format!("bar{number:02}={number:02}")).collect();
    (all.join(","), all.chunks(10).map(|line| line.join(",")).collect())
}

/// Returns lines of `tracestate` with the list forwarded with a sampled context, `None` if dropped.
fn states() -> Vec<(Vec<String>, Option<String>)> {
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let value: String = (' '..='~').filter(|letter| !matches!(letter, ',' | '=')).collect();
    let every = [format!("{key}={value}"), format!("{key}@a-z0-9_-*/={value}")];
    let list = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let (thirty_two, thirty_two_lines) = members(32);
    let (_, thirty_three_lines) = members(33);
    let long =
        [format!("{}=1", "z".repeat(256)), format!("{}@{}=1", "t".repeat(241), "v".repeat(14))];
    let too_long = [
        format!("{}=1", "z".repeat(257)),
        format!("{}@v=1", "t".repeat(242)),
        format!("t@{}=1", "v".repeat(15)),
    ];
    let mut cases: Vec<(Vec<String>, Option<String>)> = [
        (&["foo=1,bar=2"][..], Some("foo=1,bar=2")),
        (&["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], Some("foo=1,bar=2,rojo=1,congo=2,baz=3")),
        (&[""], None),
        (&["foo=1", ""], Some("foo=1")),
        (&["", "foo=1"], Some("foo=1")),
        // The suite allows keeping duplicates as well as dropping one.
        (&["foo=1,foo=1"], Some("foo=1,foo=1")),
        (&["foo=1", "foo=2"], Some("foo=1,foo=2")),
        (&["foo=1 \t , \t bar=2, \t baz=3"], Some("foo=1,bar=2,baz=3")),
        (&["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], Some("foo=1,bar=2,baz=3")),
        (&[" foo=1"], Some("foo=1")),
        (&["\t foo=1 \t"], Some("foo=1")),
        // Since level 2 of the specification a key may start with a digit.
        (&["0foo=1"], Some("0foo=1")),
        (&["foo =1"], None),
        (&["FOO=1"], None),
        (&["foo.bar=1"], None),
        (&["foo@=1,bar=2"], None),
        (&["@foo=1,bar=2"], None),
        (&["foo@@bar=1,bar=2"], None),
        (&["foo@bar@baz=1,bar=2"], None),
        (&["foo=bar=baz"], None),
        (&["foo=,bar=3"], None),
    ]
    .into_iter()
    .map(|(lines, kept)| (list(lines), kept.map(str::to_owned)))
    .collect();
    cases.extend(every.map(|state| (vec![state.clone()], Some(state))));
    cases.push((thirty_two_lines, Some(thirty_two.clone())));
    // The suite's strict form drops the list. The specification removes members from the right.
    cases.push((thirty_three_lines, Some(thirty_two)));
    let kept = |member: String| (list(&["foo=1", &member]), Some(format!("foo=1,{member}")));
    cases.extend(long.map(kept));
    cases.extend(too_long.map(|member| (list(&["foo=1", &member]), None)));
    cases
}

#[test]
fn tracestate_handling_passes_the_w3c_suite() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let fixture = start(&collector)?;
    let mut invalid = 0;
    for (lines, kept) in states() {
        let state = lines.iter().map(|line| format!("TraceState: {line}"));
        let case: Vec<_> = state.chain([traceparent(&parent("00", "01"))]).collect();
        let received = send(&fixture, &case)?;
        assert_eq!(context(&received)?.0, TRACE, "{case:?}");
        assert_eq!(received.header("tracestate"), Vec::from_iter(kept.as_deref()), "{case:?}");
        invalid += u64::from(kept.is_none() && lines != [""]);
    }
    let names = ["traceparent_invalid_total", "tracestate_invalid_total"];
    fixture.wait_until("counting", || Ok(fixture.stats(names)? == [0, invalid]))
}

#[test]
fn forwards_unsampled_context_unchanged() -> Result<()> {
    let collector = FakeCollector::start(Behaviour::Healthy)?;
    let fixture = start(&collector)?;
    for (lines, _) in states() {
        let state = lines.iter().map(|line| format!("tracestate: {line}"));
        let case: Vec<_> = state.chain([traceparent(&parent("00", "00"))]).collect();
        let received = send(&fixture, &case)?;
        assert_eq!(received.header("traceparent"), [parent("00", "00")], "{case:?}");
        // Envoy trims whitespace around values.
        let trimmed: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
        assert_eq!(received.header("tracestate"), trimmed, "{case:?}");
    }
    let names = ["traceparent_invalid_total", "tracestate_invalid_total", "spans_built_total"];
    assert_eq!(fixture.stats(names)?, [0, 0, 0]);
    Ok(())
}
