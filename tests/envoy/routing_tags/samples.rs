//! The samples in the README work as described.

use std::time::SystemTime;

use anyhow::{Context, Result};
use filter_core::{Request as CoreRequest, parse_config, rendezvous};
use serde_json::{Value, json};
use tests::{bootstrap::Filter, client::Request, identity_provider::IdentityProvider, repository};

use super::{FILTER, Fixture};

/// Returns the first sample for which `predicate` returns `true`.
fn sample(predicate: impl Fn(&Value) -> bool) -> Result<Value> {
    let mut samples = repository::readme_samples(FILTER)?.into_iter();
    samples.find(|sample| predicate(sample)).context("the README has no such sample")
}

/// Returns the sample whose last entry has this name.
fn named(name: &str) -> Result<Value> {
    sample(|sample| {
        let last = sample["http"].as_array().and_then(|http| http.last());
        last.is_some_and(|entry| entry["name"] == name)
    })
}

/// Returns the tag that the split `salt` selects for `key`.
fn chosen<'v>(salt: &str, key: &str, variants: [(&'v str, u32); 2]) -> Result<&'v str> {
    let index = rendezvous(salt, key.as_bytes(), variants).context("no variant was selected")?;
    Ok(variants.get(index).context("no such variant")?.0)
}

#[test]
fn first_sample_tags_by_header_and_splits_the_rest() -> Result<()> {
    let fixture = Fixture::start(named("frontend")?)?;
    for (request, tag) in [
        (Request::get("/").header("x-user-type", "premium"), "v2"),
        (Request::get("/").header("x-country-code", "US"), "us-east"),
        (Request::get("/").header("canary", "enabled"), "canary"),
    ] {
        assert_eq!(fixture.tags(request)?, [tag]);
    }
    assert_eq!(fixture.canary.count(), 1);
    let response = fixture.send(Request::get("/"))?;
    let cookie = response.header("set-cookie").context("no cookie")?;
    let (pair, attributes) = cookie.split_once("; ").context("no attributes")?;
    assert_eq!(attributes, "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax");
    let id = pair.strip_prefix("weir_id=").context("another name")?;
    let expected = chosen("frontend", id, [("stable", 90), ("canary", 10)])?;
    assert_eq!(fixture.tags(Request::get("/").header("cookie", pair))?, [expected]);
    Ok(())
}

#[test]
fn address_sample_hashes_by_address() -> Result<()> {
    let fixture = Fixture::start(named("shop")?)?;
    let expected = chosen("shop", "127.0.0.1", [("stable", 85), ("canary", 15)])?;
    for _ in 0..10 {
        assert_eq!(fixture.tags(Request::get("/"))?, [expected]);
    }
    Ok(())
}

#[test]
fn canary_sample_follows_its_schedule() -> Result<()> {
    let config = named("api")?;
    let policy = routing_tags::Policy::new(&parse_config(config.to_string().as_bytes())?)?;
    let fixture = Fixture::start(config)?;
    let weight = policy.canary_weight(0, SystemTime::now(), false);
    fixture.counts(&[("canary_api_weight", weight.into()), ("canary_api_rolled_back", 0)])?;
    let variants =
        [("stable", 10_000_u32.saturating_sub(weight.into())), ("canary", weight.into())];
    assert_eq!(fixture.tags(Request::get("/"))?, [chosen("api", "127.0.0.1", variants)?]);
    Ok(())
}

#[test]
fn version_sample_tags_a_range_of_versions() -> Result<()> {
    let fixture = Fixture::start(named("app")?)?;
    for (version, tags) in [
        ("2.1.0", vec!["v2"]),
        ("2.10.3", vec!["v2"]),
        ("2.0.9", vec![]),
        ("3.0.0", vec![]),
        ("new", vec![]),
    ] {
        assert_eq!(
            fixture.tags(Request::get("/").header("x-app-version", version))?,
            tags,
            "{version}"
        );
    }
    Ok(())
}

#[test]
fn office_hours_sample_follows_its_schedule() -> Result<()> {
    let config = named("office")?;
    let policy = routing_tags::Policy::new(&parse_config(config.to_string().as_bytes())?)?;
    let fixture = Fixture::start(config)?;
    let mut inputs = routing_tags::Inputs {
        now: SystemTime::now(),
        random_bits: &mut || 0,
        is_rolled_back: &|_| false,
    };
    let open = !policy.decide(&CoreRequest::default(), &mut inputs).request.is_empty();
    assert_eq!(fixture.tags(Request::get("/"))?, if open { vec!["v2"] } else { vec![] });
    Ok(())
}

#[test]
fn mesh_sample_trusts_the_tag_of_the_edge_sample() -> Result<()> {
    let edge = Fixture::start(named("beta")?)?;
    let received = edge.received(Request::get("/").header("cookie", "beta=1"))?;
    assert_eq!(received.header("baggage"), ["weir-tag=v2"]);
    let mesh = Fixture::start(sample(|sample| sample["trustInbound"] == json!([{}]))?)?;
    let handed_on = Request::get("/").header("baggage", received.header("baggage").concat());
    assert_eq!(mesh.tags(handed_on.clone())?, ["v2"]);
    assert!(edge.tags(handed_on)?.is_empty(), "the edge trusts no inbound tag");
    Ok(())
}

#[test]
fn experiments_sample_is_independent_per_experiment() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let jwt = json!({"jwtRules": [{
        "issuer": issuer.issuer(), "jwks": issuer.keys().jwks().to_string(),
    }]});
    let filters = vec![Filter::new("jwt-auth", jwt), Filter::new(FILTER, named("search")?)];
    let fixture = Fixture::start_with(1, filters)?;
    for user in ["alice", "bob", "carol", "dave", "erin", "frank"] {
        let mut claims = issuer.claims();
        claims["sub"] = json!(user);
        let token = issuer.token(jsonwebtoken::Algorithm::ES256, &claims)?;
        let received = fixture.received(Request::get("/").bearer(&token))?;
        let checkout = chosen("checkout", user, [("old", 50), ("new", 50)])?;
        let search = chosen("search", user, [("bm25", 50), ("vector", 50)])?;
        assert_eq!(received.header("x-weir-tag"), [checkout], "{user}");
        assert_eq!(received.header("x-search-tag"), [search], "{user}");
    }
    Ok(())
}

#[test]
fn tenant_sample_tags_the_shard() -> Result<()> {
    let fixture = Fixture::start(named("tenant")?)?;
    assert_eq!(fixture.tags(Request::get("/tenants/7/orders?x=1"))?, ["shard-7"]);
    assert!(fixture.tags(Request::get("/tenants"))?.is_empty());
    Ok(())
}
