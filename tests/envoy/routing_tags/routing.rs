//! Routing by the tag.

use anyhow::Result;
use serde_json::json;
use tests::client::Request;

use super::{Fixture, TAG};

#[test]
fn routes_by_the_tag() -> Result<()> {
    let fixture = Fixture::start(json!({"http": [
        {"match": [{"headers": {"x-user-type": {"exact": "premium"}}}], "tag": "canary"},
        {"match": [{"uri": {"prefix": "/beta/"}}], "tag": "canary"},
        {"match": [{"headers": {"x-country-code": {"exact": "US"}}}], "tag": "us-east"},
    ]}))?;
    for (request, tag, cluster) in [
        (Request::get("/").header("x-user-type", "premium"), vec!["canary"], "canary"),
        (Request::get("/beta/cart"), vec!["canary"], "canary"),
        (Request::get("/").header("x-country-code", "US"), vec!["us-east"], "app"),
        (Request::get("/"), vec![], "app"),
        (Request::get("/").header("x-user-type", "basic"), vec![], "app"),
    ] {
        let before = (fixture.stable.count(), fixture.canary.count());
        let received = fixture.received(request.clone())?;
        assert_eq!(received.header(TAG), tag, "{request:?}");
        let after = (fixture.stable.count(), fixture.canary.count());
        let expected =
            if cluster == "app" { (before.0 + 1, before.1) } else { (before.0, before.1 + 1) };
        assert_eq!(after, expected, "{request:?}");
    }
    fixture.counts(&[
        ("tagged_total", 3),
        ("untagged_total", 2),
        ("rule_http_0_tag_canary_total", 1),
    ])
}

#[test]
fn strips_untrusted_inbound_tags() -> Result<()> {
    let fixture = Fixture::start(json!({"http": [
        {"match": [{"headers": {"x-a": {"exact": "1"}}}], "tag": "stable"},
    ]}))?;
    for copies in [1, 2, 50] {
        for (name, expected) in [("x-weir-tag", vec![]), ("X-Weir-TAG", vec![])] {
            let forged =
                (0..copies).fold(Request::get("/"), |request, _| request.header(name, "canary"));
            assert_eq!(fixture.tags(forged.clone())?, expected as Vec<String>, "{copies} {name}");
            assert_eq!(fixture.tags(forged.header("x-a", "1"))?, ["stable"], "{copies} {name}");
        }
    }
    assert_eq!(fixture.canary.count(), 0);
    fixture.counts(&[("inbound_stripped_total", 12), ("untagged_total", 6)])
}
