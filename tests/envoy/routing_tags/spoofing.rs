//! No tag of an untrusted client reaches a route or an application.

use anyhow::Result;
use serde_json::{Value, json};
use tests::client::Request;

use super::{Fixture, TAG, received};

/// Returns rules that tag requests with `x-a: 1` as `stable` and no others.
fn rules() -> Value {
    json!([{"match": [{"headers": {"x-a": {"exact": "1"}}}], "tag": "stable"}])
}

#[test]
fn strips_copies_in_any_case_on_both_protocols() -> Result<()> {
    let fixture = Fixture::start(json!({"http": rules()}))?;
    for copies in [1, 2, 50] {
        for name in ["x-weir-tag", "X-WEIR-TAG", "X-Weir-Tag"] {
            for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
                let forge = |request: Request, _| request.header(name, "canary");
                let forged = (0..copies).fold(Request::get("/"), forge);
                assert!(
                    received(client, forged.clone())?.header(TAG).is_empty(),
                    "{copies} {name}"
                );
                let tagged = received(client, forged.header("x-a", "1"))?;
                assert_eq!(tagged.header(TAG), ["stable"], "{copies} {name}");
            }
        }
    }
    assert_eq!(fixture.canary.count(), 0);
    fixture.counts(&[("inbound_stripped_total", 36), ("untagged_total", 18)])
}

#[test]
fn strips_any_untrusted_value() -> Result<()> {
    let fixture = Fixture::start(json!({"http": rules()}))?;
    for byte in 0x80..=0xFF_u8 {
        let request = Request::get("/").header(TAG, [b'c', byte]).header(TAG, "canary");
        assert!(fixture.tags(request)?.is_empty(), "byte {byte:#x}");
    }
    for value in ["", " canary ", "canary,stable", "\tcanary", "\"canary\""] {
        assert!(fixture.tags(Request::get("/").header(TAG, value))?.is_empty(), "{value:?}");
    }
    assert_eq!(fixture.canary.count(), 0);
    Ok(())
}

#[test]
fn malformed_header_names_pass_no_tag() -> Result<()> {
    let fixture = Fixture::start(json!({"http": rules()}))?;
    for lines in [
        "x-weir-tag : canary",
        "x-weir-tag\t: canary",
        " x-weir-tag: canary",
        "x-b: 1\r\n x-weir-tag: canary",
        "x-weir-tag:\r\n canary",
        "x-weir-tag: canary\r\nconnection: x-weir-tag",
        "connection: close, x-weir-tag\r\nx-weir-tag: canary",
        "x_weir_tag: canary",
        "x-weir_tag: canary",
        "x-weir-tag\0: canary",
        "x-weir-tag%00: canary",
        "\u{ff58}-weir-tag: canary",
        ":x-weir-tag: canary",
        "X-wEiR-tAg:canary",
        "te: trailers\r\ntrailer: x-weir-tag\r\nx-weir-tag: canary",
    ] {
        let head = format!("GET / HTTP/1.1\r\nhost: a\r\n{lines}\r\nconnection: close\r\n\r\n");
        fixture.envoy.http1().raw(head.as_bytes())?;
    }
    let trailers = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
                    1\r\nx\r\n0\r\nx-weir-tag: canary\r\n\r\n";
    fixture.envoy.http1().raw(trailers.as_bytes())?;
    assert_eq!(fixture.canary.count(), 0);
    let passed = fixture.stable.received();
    assert!(!passed.is_empty());
    for request in passed {
        let named = |name: &str| name.replace('_', "-").contains("weir-tag");
        let tags: Vec<_> = request.headers.iter().filter(|(name, _)| named(name)).collect();
        assert!(tags.iter().all(|(name, _)| name.contains('%')), "{tags:?}");
    }
    Ok(())
}

#[test]
fn strips_tags_from_trailers() -> Result<()> {
    let (whole, rest) = ("a=1,weir-tag=v2", "a=1");
    for (dry_run, baggage, expected) in [
        (false, rest, vec!["baggage", "x-other"]),
        (true, whole, vec!["baggage", "x-other", TAG, TAG]),
    ] {
        let entry = json!({"tag": "canary"});
        let fixture =
            Fixture::start(json!({"http": [entry], "baggageKey": "weir-tag", "dryRun": dry_run}))?;
        // The canary's cluster supports HTTP/2, which carries trailers.
        let call = Request::get("/").header(TAG, "canary").body(b"x");
        let call = call.trailer(TAG, "v2").trailer(TAG, "v3").trailer("x-other", "1");
        let call = call.trailer("baggage", whole);
        let received = received(fixture.envoy.http2(), call)?;
        let mut names: Vec<&str> =
            received.trailers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, expected, "dryRun {dry_run}");
        let members = received.trailers.iter().find(|(name, _)| name == "baggage");
        assert_eq!(members.map(|(_, value)| value.as_str()), Some(baggage), "dryRun {dry_run}");
        assert_eq!(fixture.canary.count(), 1);
    }
    Ok(())
}

#[test]
fn a_trusted_client_may_send_one_valid_tag() -> Result<()> {
    let source = json!({"source": {"ip": "127.0.0.1"}, "headers": {"x-edge": {}}});
    let fixture = Fixture::start(json!({"trustInbound": [source], "http": rules()}))?;
    let edge = || Request::get("/").header("x-edge", "1");
    for (request, tags) in [
        (edge().header(TAG, "canary"), vec!["canary"]),
        (edge().header(TAG, "canary").header("x-a", "1"), vec!["canary"]),
        (edge().header(TAG, "canary").header(TAG, "canary"), vec![]),
        (edge().header(TAG, "v2").header(TAG, "canary").header("x-a", "1"), vec!["stable"]),
        (edge().header(TAG, "a,b"), vec![]),
        (edge().header("x-a", "1"), vec!["stable"]),
        (Request::get("/").header(TAG, "canary"), vec![]),
    ] {
        assert_eq!(fixture.tags(request.clone())?, tags, "{request:?}");
    }
    assert_eq!(fixture.canary.count(), 2);
    fixture.counts(&[
        ("inbound_trusted_total", 2),
        ("inbound_invalid_total", 3),
        ("inbound_stripped_total", 1),
    ])
}

#[test]
fn accepts_baggage_tags_only_of_trusted_clients() -> Result<()> {
    let trust = json!([{"headers": {"x-edge": {}}}]);
    let fixture =
        Fixture::start(json!({"trustInbound": trust, "baggageKey": "weir-tag", "http": rules()}))?;
    let edge = || Request::get("/").header("x-edge", "1");
    let untrusted = || Request::get("/");
    for (request, tags, baggage) in [
        (edge().header("baggage", "weir-tag=canary"), vec!["canary"], vec!["weir-tag=canary"]),
        (untrusted().header("baggage", "weir-tag=canary"), vec![], vec![]),
        (
            untrusted().header("baggage", "a=1;p , weir-tag=canary,  b=2"),
            vec![],
            vec!["a=1;p ,  b=2"],
        ),
        (
            untrusted().header("baggage", "a=1").header("baggage", "weir%2dtag=canary,b=2"),
            vec![],
            vec!["a=1", "b=2"],
        ),
        (
            untrusted().header("baggage", "a=1").header("x-a", "1"),
            vec!["stable"],
            vec!["a=1,weir-tag=stable"],
        ),
        (
            untrusted().header("baggage", "weir-tag=canary").header("x-a", "1"),
            vec!["stable"],
            vec!["weir-tag=stable"],
        ),
    ] {
        let received = fixture.received(request.clone())?;
        assert_eq!(received.header(TAG), tags, "{request:?}");
        assert_eq!(received.header("baggage"), baggage, "{request:?}");
    }
    assert_eq!(fixture.canary.count(), 1);
    Ok(())
}
