//! Keys of requests, as Envoy delivers their sources.

use anyhow::Result;
use hyper::Method;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    identity_provider::IdentityProvider,
};

use super::{Fixture, entry, filter, requests::statuses};

/// A limit of one request, and two requests.
struct Case {
    name: &'static str,
    key: Value,
    first: Request,
    second: Request,
    /// The requests have the same key, so the second is refused.
    is_same: bool,
}

fn get(name: &str) -> Request {
    Request::get(&format!("/{name}"))
}

fn case(
    name: &'static str,
    key: Value,
    is_same: bool,
    requests: impl Fn(Request) -> [Request; 2],
) -> Case {
    let [first, second] = requests(get(name));
    Case { name, key, first, second, is_same }
}

/// Returns two requests with these values of a header.
fn headers(name: &'static str, values: [&'static str; 2]) -> impl Fn(Request) -> [Request; 2] {
    move |request| values.map(|value| request.clone().header(name, value))
}

/// Returns two requests for these paths and queries below the path of the case.
fn paths(case: &'static str, paths: [&'static str; 2]) -> impl Fn(Request) -> [Request; 2] {
    move |_| paths.map(|path| Request::get(&format!("/{case}{path}")))
}

const XFF: &str = "x-forwarded-for";

fn cases() -> Vec<Case> {
    let ip = json!([{"useSourceIp": true}]);
    let v6 = json!([{"useSourceIp": true, "prefix": {"v4": 24, "v6": 128}}]);
    let header = json!([{"httpHeaderName": "x-user"}]);
    let cookie = json!([{"httpCookie": {"name": "id"}}]);
    let query = json!([{"httpQueryParameterName": "q"}]);
    let fallback = json!([{"httpHeaderName": "x-user", "useSourceIp": true}]);
    let both = json!([{"httpHeaderName": "x-user"}, {"method": true}]);
    let route = json!([{"attribute": "xds.route_name"}]);
    vec![
        case("ip-a", ip.clone(), true, headers(XFF, ["10.1.2.3", "10.1.2.3"])),
        case("ip-b", ip.clone(), false, headers(XFF, ["10.1.2.3", "10.1.2.4"])),
        case("ip-c", ip.clone(), true, headers(XFF, ["10.9.9.9, 10.1.2.3", "10.1.2.3"])),
        case("ip-d", ip.clone(), true, headers(XFF, ["2001:db8::1", "2001:db8::ffff:1"])),
        case("ip-e", ip.clone(), false, headers(XFF, ["2001:db8::1", "2001:db8:0:1::1"])),
        case("ip-f", ip.clone(), true, headers(XFF, ["10.1.2.3", "::ffff:10.1.2.3"])),
        case("ip-g", ip, true, headers(XFF, ["nonsense", "\u{e9}"])),
        case("prefix-a", v6.clone(), true, headers(XFF, ["10.1.2.3", "10.1.2.4"])),
        case("prefix-b", v6, false, headers(XFF, ["2001:db8::1", "2001:db8::2"])),
        case("header-a", header.clone(), true, headers("x-user", ["a", "a"])),
        case("header-b", header.clone(), false, headers("x-user", ["a", "A"])),
        // Two values that differ, and none, share the count of requests without a key.
        case("header-c", header.clone(), true, |one| {
            [one.clone().header("x-user", "a").header("x-user", "b"), one]
        }),
        case("header-d", header.clone(), true, |one| {
            [one.clone().header("x-user", "a").header("x-user", "a"), one.header("x-user", "a")]
        }),
        case("header-e", header, true, |one| [one.clone().header("x-user", ""), one]),
        case("cookie-a", cookie.clone(), true, headers("cookie", ["id=1", "a=b; id=1"])),
        case("cookie-b", cookie.clone(), false, headers("cookie", ["id=1", "id=2"])),
        case("cookie-c", cookie.clone(), true, headers("cookie", ["id=1; id=2", "id=3; id=4"])),
        case("cookie-d", cookie, true, |one| {
            [
                one.clone().header("cookie", "a=b").header("cookie", "id=1"),
                one.header("cookie", "id=1"),
            ]
        }),
        case("query-a", query.clone(), true, paths("query-a", ["?q=1", "/x?a=b&q=1"])),
        case("query-b", query.clone(), false, paths("query-b", ["?q=1", "?q=2"])),
        case("query-c", query.clone(), true, paths("query-c", ["?q=%31", "?q=1"])),
        case("query-d", query, true, paths("query-d", ["?q=1&q=2", "?p=1"])),
        case("fallback-a", fallback, false, |one| [one.clone().header("x-user", "a"), one]),
        case("both-a", both.clone(), false, |one| {
            let path = "/both-a";
            [one.header("x-user", "a"), Request::new(Method::PUT, path).header("x-user", "a")]
        }),
        case("both-b", both, true, headers("x-user", ["a", "a"])),
        case("route-a", route.clone(), false, paths("route-a", ["/orders", "/books"])),
        case("route-b", route, true, paths("route-b", ["/orders", "/orders?x"])),
    ]
}

/// Starts Envoy with an entry for each case and routes with names.
fn start(cases: &[Case], mut filters: Vec<Filter>) -> Result<Fixture> {
    let entries = cases.iter().map(|case| {
        let limit = json!({"requests": 1, "per": "1h", "maxKeys": 16, "key": case.key});
        entry(case.name, limit)
    });
    filters.push(filter(&json!({"http": entries.collect::<Vec<_>>()})));
    let route = |name: &str| {
        let end = json!({"safe_regex": {"regex": format!(".*/{name}")}});
        json!({"name": name, "match": end, "route": {"cluster": "app"}})
    };
    let routes = vec![route("orders"), route("books")];
    Fixture::start_options(filters, |options| EnvoyOptions { routes, ..options })
}

fn check(fixture: &Fixture, cases: Vec<Case>) -> Result<()> {
    let client = fixture.envoy.http1();
    for case in cases {
        let first = client.send(case.first)?.status;
        let second = client.send(case.second)?.status;
        let expected = if case.is_same { 429 } else { 200 };
        assert_eq!((first, second), (200, expected), "{}: {}", case.name, case.key);
    }
    Ok(())
}

#[test]
fn sources_of_keys() -> Result<()> {
    let cases = cases();
    let fixture = start(&cases, Vec::new())?;
    check(&fixture, cases)
}

#[test]
fn claims_come_from_a_verified_token() -> Result<()> {
    let issuer = IdentityProvider::start()?;
    let jwks = issuer.keys().jwks().to_string();
    let jwt =
        Filter::new("jwt-auth", json!({"jwtRules": [{"issuer": issuer.issuer(), "jwks": jwks}]}));
    let token = |subject: Value, tenant: &str| {
        let mut claims = issuer.claims();
        claims["sub"] = subject;
        claims["org"] = json!({"tenant": tenant});
        issuer.token(Algorithm::ES256, &claims)
    };
    let alice = token(json!("alice"), "a")?;
    let (other, bob) = (token(json!("alice"), "b")?, token(json!("bob"), "a")?);
    let claim = json!([{"claim": "sub"}]);
    let pair = |name: &str, tokens: [&str; 2]| tokens.map(|token| get(name).bearer(token));
    let of = |name: &'static str, key: &Value, is_same, tokens: [&str; 2]| {
        let [first, second] = pair(name, tokens);
        Case { name, key: key.clone(), first, second, is_same }
    };
    let mut cases = vec![
        of("claim-a", &claim, true, [&alice, &other]),
        of("claim-b", &claim, false, [&alice, &bob]),
        of("nested-a", &json!([{"claim": "org.tenant"}]), true, [&alice, &bob]),
        of("nested-b", &json!([{"claim": "org.tenant"}]), false, [&alice, &other]),
    ];
    // A header with the name of the claim changes nothing.
    let key = json!([{"claim": "sub", "useSourceIp": true}]);
    let forged = get("forged").header("sub", "mallory").header("x-user", "mallory");
    cases.push(Case { name: "forged", key, first: get("forged"), second: forged, is_same: true });
    let fixture = start(&cases, vec![jwt])?;
    check(&fixture, cases)
}

#[test]
fn variables_of_paths() -> Result<()> {
    let template = json!([{"pathTemplate": "/shops/{id}/{rest=**}"}]);
    let shop = json!({"name": "shop", "requests": 1, "per": "1h", "key": [{"pathVariable": "id"}]});
    let config = json!({"http": [{"name": "shop", "match": template, "limits": [shop]}]});
    let fixture = Fixture::start(&config)?;
    let paths =
        ["/shops/1/a", "/shops/2/a", "/shops/1/b", "/shops/1/a?x", "/shops/%31/a", "/other"];
    let requests = paths.map(Request::get);
    assert_eq!(statuses(&fixture.envoy.http1(), requests)?, [200, 200, 429, 429, 429, 200]);
    Ok(())
}

#[test]
fn a_client_of_the_shipped_proxy_cannot_forge_its_address() -> Result<()> {
    let config = json!({"limits": [
        {"name": "ip", "requests": 2, "per": "1h", "key": [{"useSourceIp": true}]},
    ]});
    let manager = vec![("use_remote_address".to_owned(), json!(true))];
    let fixture = Fixture::start_options(vec![filter(&config)], |options| EnvoyOptions {
        manager,
        ..options
    })?;
    let forged = (0..4).map(|last| get("x").header(XFF, format!("10.0.0.{last}")));
    let got = forged.map(|request| Ok(fixture.envoy.http1().send(request)?.status));
    assert_eq!(got.collect::<Result<Vec<_>>>()?, [200, 200, 429, 429]);
    Ok(())
}
