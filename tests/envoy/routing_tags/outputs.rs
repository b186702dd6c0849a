//! Other outputs: headers, filter state, counters and errors of the configuration.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{bootstrap::Filter, client::Request, identity_provider::IdentityProvider};

use super::{FILTER, Rig, TAG};

#[test]
fn headers_filter_state_and_explanations_tell_the_tag() -> Result<()> {
    let mut rig = Rig::start(json!({
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
    let answer = rig.send(asks("/orders/7?x=1"))?;
    assert_eq!(answer.header("x-served"), Some("canary"));
    assert_eq!(answer.header("x-rule"), Some("orders"));
    assert_eq!(answer.header("x-weir-explain"), Some("x-weir-tag=canary;rule=orders"));
    let seen = tests::upstream::Received::from_response(&answer)?;
    assert_eq!((seen.header("x-order"), seen.header("x-rule")), (vec!["7"], vec!["orders"]));
    let answer = rig.send(Request::get("/").header("x-weir-explain", "1"))?;
    assert_eq!((answer.header("x-served"), answer.header("x-weir-explain")), (None, None));
    let log = rig.envoy.wait_for_access_log(2)?;
    assert_eq!((&log[0]["tag"], &log[0]["cluster"]), (&json!("canary"), &json!("canary")));
    assert_eq!((&log[1]["tag"], &log[1]["cluster"]), (&Value::Null, &json!("app")));
    Ok(())
}

#[test]
fn claims_that_jwt_auth_verified_decide() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let jwt = json!({"jwtRules": [{
        "issuer": issuer.issuer(), "jwks": issuer.keys().jwks().to_string(),
    }]});
    let tags = json!({"http": [
        {"name": "staff", "match": [{"claims": {"team": {"exact": "web"}}}], "tag": "canary"},
        {"name": "users", "match": [{"claims": {"sub": {"present": true}}}], "tag": "user-%CLAIM(sub)%"},
    ]});
    let tags = Filter::new(FILTER, tags);
    let rig = Rig::start_with(1, vec![Filter::new("jwt-auth", jwt), tags])?;
    let token = |team: Option<&str>| {
        let mut claims = issuer.claims();
        if let Some(team) = team {
            claims["team"] = json!(team);
        }
        issuer.token(jsonwebtoken::Algorithm::ES256, &claims)
    };
    let request = |token: &str| Request::get("/").bearer(token);
    assert_eq!(rig.tags(request(&token(Some("web"))?))?, ["canary"]);
    assert_eq!(rig.tags(request(&token(None)?))?, ["user-alice"]);
    assert_eq!(rig.tags(Request::get("/"))?, [""; 0]);
    assert_eq!(rig.canary.count(), 1);
    Ok(())
}

#[test]
fn a_dry_run_counts_and_leaves_the_request_alone() -> Result<()> {
    let rig = Rig::start(json!({"dryRun": true, "http": [{"name": "all", "tag": "canary"}]}))?;
    assert_eq!(rig.tags(Request::get("/").header(TAG, "mine"))?, ["mine"]);
    assert_eq!(rig.tags(Request::get("/"))?, [""; 0]);
    assert_eq!(rig.canary.count(), 0);
    rig.counts(&[("dry_run_total", 2), ("tagged_total", 2)])
}

#[test]
fn names_are_clean_in_prometheus() -> Result<()> {
    let rig = Rig::start(json!({"http": [{"name": "a-b.c", "tag": "v1.2"}]}))?;
    rig.send(Request::get("/"))?;
    rig.counts(&[("tagged_total", 1)])?;
    let text = rig.envoy.admin().get("/stats/prometheus")?.text();
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
fn rules_and_tags_become_labels_where_asked() -> Result<()> {
    let rig = Rig::start(json!({
        "metrics": {"labels": true}, "http": [{"name": "a-b.c", "tag": "v1.2"}],
    }))?;
    rig.send(Request::get("/"))?;
    rig.counts(&[
        ("rule_total.rule=.=a-b.c;.;", 1),
        ("rule_tag_total.rule=.=a-b.c;.;.tag=.=v1.2;.;", 1),
    ])
}

#[test]
fn a_later_filter_matches_the_tag_in_filter_state() -> Result<()> {
    let tags = json!({"filterState": true, "http": [
        {"match": [{"headers": {"x-beta": {}}}], "tag": "canary"},
    ]});
    let fault = json!({"http": [{
        "match": [{"attributes": {"weir.tag": {"exact": "canary"}}}],
        "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 418}},
    }]});
    let filters = vec![Filter::new(FILTER, tags), Filter::new("fault-injection", fault)];
    let rig = Rig::start_with(1, filters)?;
    assert_eq!(rig.send(Request::get("/").header("x-beta", "1"))?.status, 418);
    assert_eq!(rig.send(Request::get("/"))?.status, 200);
    Ok(())
}

#[test]
fn a_bad_configuration_is_refused_and_the_last_good_one_serves() -> Result<()> {
    let mut rig = Rig::start(json!({"http": [{"tag": "canary"}]}))?;
    for (config, path) in [
        (json!({"http": [{"tag": "a b"}]}), "http[0].tag"),
        (json!({"http": [{"route": []}]}), "http[0].route"),
        (json!({"http": [{"tag": "a"}, {"tag": "b"}]}), "http[1].match"),
        (json!({"tagHeader": "cookie"}), "tagHeader"),
    ] {
        let before = rig.envoy.log().len();
        rig.envoy.refuses(&[Filter::new(FILTER, config.clone())])?;
        let log = rig.envoy.log();
        let since = log.get(before..).unwrap_or_default();
        assert!(since.contains(path), "{config}: no {path} in\n{since}");
        assert_eq!(rig.tags(Request::get("/"))?, ["canary"], "after {config}");
    }
    Ok(())
}
