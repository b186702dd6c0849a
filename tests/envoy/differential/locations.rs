//! Requests with a token in various locations, next to other credentials.

use hyper::Method;
use tests::client::Request;

/// A name and a function that builds a request from a token and a second, valid one.
pub(super) type Location = (&'static str, fn(&str, &str) -> Request);

/// Locations in which most tokens are tried.
pub(super) const COMMON: &[Location] = &[
    ("bearer", |token, _| get("/a").bearer(token)),
    ("query", |token, _| get(&format!("/a?access_token={token}"))),
    ("x-token", |token, _| get("/a").header("x-token", token)),
    ("x-prefixed", |token, _| get("/a").header("x-prefixed", format!("JWT {token}"))),
    ("parameter", |token, _| get(&format!("/a?x=1&t={token}&y=2"))),
    ("cookie", |token, _| get("/a").header("cookie", format!("a=1; session={token}; b=2"))),
];

/// All other locations.
pub(super) const UNUSUAL: &[Location] = &[
    ("no token", |_, _| get("/a")),
    ("no token, with a query", |_, _| get("/a?b=c&d")),
    ("bearer in lower case", |token, _| auth(&format!("bearer {token}"))),
    ("bearer in upper case", |token, _| auth(&format!("BEARER {token}"))),
    ("bearer and two spaces", |token, _| auth(&format!("Bearer  {token}"))),
    ("bearer without a space", |token, _| auth(&format!("Bearer{token}"))),
    ("bearer only", |_, _| auth("Bearer")),
    ("bearer and a space", |_, _| auth("Bearer ")),
    ("token without a scheme", |token, _| auth(token)),
    ("basic", |_, _| auth("Basic dXNlcjpwYXNz")),
    ("prefix in the middle", |token, _| auth(&format!("Basic Bearer {token}"))),
    ("trailing text", |token, _| auth(&format!("Bearer {token} x"))),
    ("trailing comma", |token, _| auth(&format!("Bearer {token},"))),
    ("two schemes", |token, _| auth(&format!("Basic dXNlcg==, Bearer {token}"))),
    ("two tokens in a header", |token, good| auth(&format!("Bearer {token}, Bearer {good}"))),
    ("two schemes, basic last", |token, _| auth(&format!("Bearer {token}, Basic dXNlcg=="))),
    ("two tokens in a header, the same", |token, _| {
        auth(&format!("Bearer {token}, Bearer {token}"))
    }),
    ("two tokens in a header, one without a scheme", |token, good| {
        auth(&format!("Bearer {token}, {good}"))
    }),
    ("two headers, basic first", |token, _| {
        get("/a").header("authorization", "Basic dXNlcg==").bearer(token)
    }),
    ("two headers, basic last", |token, _| {
        get("/a").bearer(token).header("authorization", "Basic dXNlcg==")
    }),
    ("two headers, one empty", |token, _| get("/a").header("authorization", "").bearer(token)),
    ("two headers", |token, good| get("/a").bearer(token).bearer(good)),
    ("two headers, the same", |token, _| get("/a").bearer(token).bearer(token)),
    ("header and query", |token, good| get(&format!("/a?access_token={good}")).bearer(token)),
    ("header and query, the same", |token, _| {
        get(&format!("/a?access_token={token}")).bearer(token)
    }),
    ("query twice", |token, good| get(&format!("/a?access_token={token}&access_token={good}"))),
    ("query twice, the same", |token, _| {
        get(&format!("/a?access_token={token}&access_token={token}"))
    }),
    ("query twice, empty first", |token, _| get(&format!("/a?access_token=&access_token={token}"))),
    ("query twice, empty last", |token, _| get(&format!("/a?access_token={token}&access_token="))),
    ("query before others", |token, _| get(&format!("/a?access_token={token}&b=%41&c=+"))),
    ("query between others", |token, _| get(&format!("/a?b=1&access_token={token}&c=2"))),
    ("query percent-encoded", |token, _| {
        get(&format!("/a?access_token={}", token.replace('.', "%2E")))
    }),
    ("query with an encoded name", |token, _| get(&format!("/a?access%5Ftoken={token}"))),
    ("query with a plus", |token, _| get(&format!("/a?access_token=+{token}"))),
    ("query without a value", |_, _| get("/a?access_token")),
    ("query with an empty value", |_, _| get("/a?access_token=")),
    ("query with a semicolon", |token, _| get(&format!("/a?b=1;access_token={token}"))),
    ("query in upper case", |token, _| get(&format!("/a?ACCESS_TOKEN={token}"))),
    ("x-token with spaces", |token, _| get("/a").header("x-token", format!("  {token}  "))),
    ("x-token twice", |token, good| get("/a").header("x-token", token).header("x-token", good)),
    ("x-token twice, the same", |token, _| {
        get("/a").header("x-token", token).header("x-token", token)
    }),
    ("x-token and a comma", |token, _| get("/a").header("x-token", format!("{token},"))),
    ("x-token in a list", |token, _| get("/a").header("x-token", format!("chat, {token}"))),
    ("x-token before a list", |token, _| get("/a").header("x-token", format!("{token}, chat"))),
    ("x-prefixed in lower case", |token, _| get("/a").header("x-prefixed", format!("jwt {token}"))),
    ("x-prefixed without it", |token, _| get("/a").header("x-prefixed", token)),
    ("two locations", |token, good| {
        get("/a").header("x-token", token).header("x-prefixed", format!("JWT {good}"))
    }),
    ("two locations, the same", |token, _| {
        get("/a").header("x-token", token).header("cookie", format!("session={token}"))
    }),
    ("three locations", |token, good| {
        get(&format!("/a?t={good}")).header("x-token", token).bearer(good)
    }),
    ("cookie quoted", |token, _| get("/a").header("cookie", format!("session=\"{token}\""))),
    ("cookie twice", |token, good| {
        get("/a").header("cookie", format!("session={token}; session={good}"))
    }),
    ("cookie twice, the same", |token, _| {
        get("/a").header("cookie", format!("session={token}; session={token}"))
    }),
    ("cookie twice, empty first", |token, _| {
        get("/a").header("cookie", format!("session=; session={token}"))
    }),
    ("cookie twice, empty last", |token, _| {
        get("/a").header("cookie", format!("session={token}; session="))
    }),
    ("cookies in two headers", |token, good| {
        get("/a")
            .header("cookie", format!("session={token}"))
            .header("cookie", format!("session={good}"))
    }),
    ("two cookie headers", |token, _| {
        get("/a").header("cookie", "a=1").header("cookie", format!("session={token}"))
    }),
    ("cookie only", |token, _| get("/a").header("cookie", format!("session={token}"))),
    ("cookie of a longer name", |token, _| get("/a").header("cookie", format!("xsession={token}"))),
    ("head", |token, _| Request::new(Method::HEAD, "/a").bearer(token)),
    ("post", |token, _| plain(Request::new(Method::POST, "/a")).bearer(token).body(b"x")),
    ("preflight without a token", |_, _| preflight()),
    ("preflight", |token, _| preflight().bearer(token)),
    ("own output headers", |token, _| own_outputs(get("/a").bearer(token))),
    ("own output headers without a token", |_, _| own_outputs(get("/a"))),
];

fn plain(request: Request) -> Request {
    request.header("accept", "text/plain")
}

fn get(path: &str) -> Request {
    plain(Request::get(path))
}

fn auth(value: &str) -> Request {
    get("/a").header("authorization", value)
}

fn preflight() -> Request {
    plain(Request::new(Method::OPTIONS, "/a"))
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "PUT")
}

fn own_outputs(request: Request) -> Request {
    request
        .header("x-user", "root")
        .header("x-level", "99")
        .header("x-payload", "e30")
        .header("x-jwt-signature-verified", "true")
}
