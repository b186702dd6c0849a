//! Other outputs: headers, filter state, counters and errors of the configuration.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{bootstrap::Filter, client::Request, identity_provider::IdentityProvider, suite};

use super::{FILTER, Fixture, TAG};

#[test]
fn headers_filter_state_and_explain_show_the_tag() -> Result<()> {
    let mut fixture = Fixture::start(json!({
        "filterState": true,
        "explain": [{"headers": {"x-team": {"exact": "web"}}}],
        "headers": {"response": {"set": {"x-served": "%TAG%"}}},
        "http": [
            {"name": "orders", "match": [{"pathTemplate": "/orders/{id}"}], "tag": "canary",
             "headers": {"request": {"set": {"x-order": "%PATH(id)%", "x-rule": "%RULE%"}},
                         "response": {"add": {"x-rule": "%RULE%"}}}},
        ],
    }))?;
    let asks = |path| Request::get(path).header("x-weir-explain", "1").header("x-team", "web");
    let response = fixture.send(asks("/orders/7?x=1"))?;
    assert_eq!(response.header("x-served"), Some("canary"));
    assert_eq!(response.header("x-rule"), Some("orders"));
    assert_eq!(response.header("x-weir-explain"), Some("x-weir-tag=canary;rule=orders"));
    let received = tests::upstream::Received::from_response(&response)?;
    assert_eq!(
        (received.header("x-order"), received.header("x-rule")),
        (vec!["7"], vec!["orders"])
    );
    let response = fixture.send(Request::get("/").header("x-weir-explain", "1"))?;
    assert_eq!((response.header("x-served"), response.header("x-weir-explain")), (None, None));
    let log = fixture.envoy.wait_for_access_log(2)?;
    assert_eq!((&log[0]["tag"], &log[0]["cluster"]), (&json!("canary"), &json!("canary")));
    assert_eq!((&log[1]["tag"], &log[1]["cluster"]), (&Value::Null, &json!("app")));
    Ok(())
}

#[test]
fn matches_claims_verified_by_jwt_auth() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let jwt = json!({"jwtRules": [{
        "issuer": issuer.issuer(), "jwks": issuer.keys().jwks().to_string(),
    }]});
    let tags = json!({"http": [
        {"name": "staff", "match": [{"claims": {"team": {"exact": "web"}}}], "tag": "canary"},
        {"name": "users", "match": [{"claims": {"sub": {"present": true}}}], "tag": "user-%CLAIM(sub)%"},
    ]});
    let tags = Filter::new(FILTER, tags);
    let fixture = Fixture::start_with(1, vec![Filter::new("jwt-auth", jwt), tags])?;
    let token = |team: Option<&str>| {
        let mut claims = issuer.claims();
        if let Some(team) = team {
            claims["team"] = json!(team);
        }
        issuer.token(jsonwebtoken::Algorithm::ES256, &claims)
    };
    let request = |token: &str| Request::get("/").bearer(token);
    assert_eq!(fixture.tags(request(&token(Some("web"))?))?, ["canary"]);
    assert_eq!(fixture.tags(request(&token(None)?))?, ["user-alice"]);
    assert_eq!(fixture.tags(Request::get("/"))?, [""; 0]);
    assert_eq!(fixture.canary.count(), 1);
    Ok(())
}

#[test]
fn dry_run_counts_and_changes_nothing() -> Result<()> {
    let fixture =
        Fixture::start(json!({"dryRun": true, "http": [{"name": "all", "tag": "canary"}]}))?;
    assert_eq!(fixture.tags(Request::get("/").header(TAG, "mine"))?, ["mine"]);
    assert_eq!(fixture.tags(Request::get("/"))?, [""; 0]);
    assert_eq!(fixture.canary.count(), 0);
    fixture.counts(&[("dry_run_total", 2), ("tagged_total", 2)])
}

#[test]
fn exports_plain_prometheus_names() -> Result<()> {
    let fixture = Fixture::start(json!({"http": [{"name": "a-b.c", "tag": "v1.2"}]}))?;
    fixture.send(Request::get("/"))?;
    fixture.counts(&[("tagged_total", 1)])?;
    let text = fixture.envoy.admin().get("/stats/prometheus")?.text();
    for line in [
        "weir_routing_tags_tagged_total{} 1",
        "weir_routing_tags_rule_a_b_c_total{} 1",
        "weir_routing_tags_rule_a_b_c_tag_v1_2_total{} 1",
    ] {
        assert!(text.lines().any(|sample| sample == line), "{line}: {text}");
    }
    Ok(())
}

#[test]
fn labels_rules_and_tags_if_enabled() -> Result<()> {
    let fixture = Fixture::start(json!({
        "metrics": {"labels": true}, "http": [{"name": "a-b.c", "tag": "v1.2"}],
    }))?;
    fixture.send(Request::get("/"))?;
    fixture.counts(&[
        ("rule_total.rule=.=a-b.c;.;", 1),
        ("rule_tag_total.rule=.=a-b.c;.;.tag=.=v1.2;.;", 1),
    ])
}

#[test]
fn later_filters_match_the_tag_in_filter_state() -> Result<()> {
    let tags = json!({"filterState": true, "http": [
        {"match": [{"headers": {"x-beta": {}}}], "tag": "canary"},
    ]});
    let fault = json!({"http": [{
        "match": [{"attributes": {"weir.tag": {"exact": "canary"}}}],
        "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 418}},
    }]});
    let filters = vec![Filter::new(FILTER, tags), Filter::new("fault-injection", fault)];
    let fixture = Fixture::start_with(1, filters)?;
    assert_eq!(fixture.send(Request::get("/").header("x-beta", "1"))?.status, 418);
    assert_eq!(fixture.send(Request::get("/"))?.status, 200);
    Ok(())
}

#[test]
fn rejects_an_invalid_configuration_and_keeps_the_last_valid_one() -> Result<()> {
    let mut fixture = Fixture::start(json!({"http": [{"tag": "canary"}]}))?;
    for (config, path) in [
        (json!({"http": [{"tag": "a b"}]}), "http[0].tag"),
        (json!({"http": [{"route": []}]}), "http[0].route"),
        (json!({"http": [{"tag": "a"}, {"tag": "b"}]}), "http[1].match"),
        (json!({"tagHeader": "cookie"}), "tagHeader"),
    ] {
        let before = fixture.envoy.log().len();
        fixture.envoy.expect_rejection(&[Filter::new(FILTER, config.clone())])?;
        let log = fixture.envoy.log();
        let since = log.get(before..).unwrap_or_default();
        let path = suite::path(FILTER, path);
        assert!(since.contains(&path), "{config}: no {path} in\n{since}");
        assert_eq!(fixture.tags(Request::get("/"))?, ["canary"], "after {config}");
    }
    Ok(())
}
