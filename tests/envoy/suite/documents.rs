//! Documents of the suite: refused ones, single sections and none.

use anyhow::Result;
use serde_json::json;
use tests::{
    client::{Request, Response},
    upstream::Received,
};

use super::{Fixture, TAG, document, suite};

#[test]
fn a_refused_document_names_the_errors_of_all_sections() -> Result<()> {
    let mut fixture = Fixture::start(document)?;
    let mut wrong = document(&fixture.issuer);
    wrong["jwt-auth"]["jwtRules"][0]["issuers"] = json!("x");
    wrong["routing-tags"]["http"][0]["tag"] = json!(7);
    wrong["telemetry"]["slos"] = json!([{}]);
    wrong["fault-injection"]["http"][2]["fault"]["abort"]["httpStatus"] = json!(600);
    wrong["rate-limits"] = json!({});
    let types = [
        "jwt-auth.jwtRules[0].issuers: ",
        "routing-tags.http[0].tag: ",
        "telemetry.slos[0]: ",
        "fault-injection.http[2].fault.abort.httpStatus: ",
        "rate-limits: unknown field",
    ];
    // The filters check a document whose fields have the right types.
    let mut unfit = document(&fixture.issuer);
    unfit["routing-tags"]["http"][0]["tag"] = json!("a b");
    unfit["jwt-auth"]["jwtRules"][0]["jwks"] = json!("{}");
    unfit["fault-injection"]["http"][1]["name"] = json!("slow");
    let rules = [
        "jwt-auth.jwtRules[0].jwks",
        "routing-tags.http[0].tag: ",
        "fault-injection.http[1].name: ",
    ];
    for (document, paths) in [(wrong, &types[..]), (unfit, &rules[..])] {
        let log = fixture.envoy.expect_rejection(&[suite(&document)])?;
        for path in paths {
            assert!(log.contains(path), "no {path} in\n{log}");
        }
        let response = fixture.envoy.http1().send(fixture.signed("/abort")?)?;
        assert_eq!(response.status, 418, "the last valid document applies");
    }
    fixture.assert_no_trap()
}

#[test]
fn warnings_name_the_section() -> Result<()> {
    let mut fixture = Fixture::start(document)?;
    fixture.envoy.wait_for_log("fault-injection.http[0].schedule: has no expiresAt")
}

/// Sends a denied, a tagged and an aborted request.
fn exchange(fixture: &Fixture) -> Result<[Response; 3]> {
    let client = fixture.envoy.http1();
    Ok([
        client.send(Request::get("/orders").bearer("a.b.c"))?,
        client.send(Request::get("/orders").header("x-user-type", "premium"))?,
        client.send(Request::get("/abort"))?,
    ])
}

#[test]
fn a_filter_without_a_section_is_absent() -> Result<()> {
    let mut fixture = Fixture::start(|_| json!({}))?;
    let mut all = document(&fixture.issuer);
    all["routing-tags"] = json!({"http": [
        {"match": [{"headers": {"x-user-type": {"exact": "premium"}}}], "tag": "v2"},
    ]});
    all["telemetry"] = json!({});
    let mut counted = 0;
    for section in ["", "jwt-auth", "routing-tags", "telemetry", "fault-injection"] {
        let document = match all.get(section) {
            Some(value) => json!({section: value}),
            None => json!({}),
        };
        fixture.envoy.reconfigure(&[suite(&document)])?;
        let [denied, tagged, aborted] = exchange(&fixture)?;
        let is = |name: &str| section == name;
        assert_eq!(denied.status, if is("jwt-auth") { 401 } else { 200 }, "{section}");
        let tags = Received::from_response(&tagged)?;
        let tags = tags.header(TAG);
        assert_eq!(tags, if is("routing-tags") { vec!["v2"] } else { vec![] }, "{section}");
        assert_eq!(aborted.status, if is("fault-injection") { 418 } else { 200 }, "{section}");
        counted += if is("telemetry") { 3 } else { 0 };
        fixture.wait_for(&[("telemetry_requests_total", &[], counted)])?;
    }
    fixture.assert_no_trap()
}
