//! Malicious requests.

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::json;
use tests::{client::Request, identity_provider::IdentityProvider, keys::base64url};

use super::{Fixture, assert_no_trap, trusting, with};

/// Number of workers that get the hostile requests.
const WORKERS: u32 = 4;

#[test]
fn refuses_hostile_requests_without_traps() -> Result<()> {
    let mut fixture = Fixture::start_with(WORKERS, trusting)?;
    let requests = hostile(&fixture.issuer)?;
    for (name, request) in &requests {
        for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
            let response = client.send(request.clone())?;
            assert!((400..500).contains(&response.status), "{name}: {}", response.status);
        }
    }
    for (name, header) in unclean() {
        let mut bytes = b"GET /raw HTTP/1.1\r\nhost: app\r\nconnection: close\r\n".to_vec();
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(b"\r\n\r\n");
        let response = String::from_utf8_lossy(&fixture.envoy.http1().raw(&bytes)?).into_owned();
        assert!(response.starts_with("HTTP/1.1 4"), "{name}: {response}");
    }
    assert_eq!(fixture.app.count(), 0, "{:?}", fixture.app.received());
    let token = fixture.issuer.token(Algorithm::RS256, &fixture.issuer.claims())?;
    for _ in 0..WORKERS.saturating_mul(4) {
        let response = fixture.envoy.http1().send(Request::get("/").bearer(&token))?;
        assert_eq!(response.status, 200, "a worker does not respond");
    }
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn never_logs_tokens_or_claims() -> Result<()> {
    let mut fixture = Fixture::start(trusting)?;
    let good = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    let old = with(fixture.issuer.claims(), "exp", json!(1));
    let expired = fixture.issuer.token(Algorithm::ES256, &old)?;
    let forged = format!("{}x", fixture.issuer.token(Algorithm::RS256, &fixture.issuer.claims())?);
    let client = fixture.envoy.http1();
    for token in [&good, &expired, &forged] {
        client.send(Request::get("/").bearer(token))?;
        client.send(Request::get(&format!("/?access_token={token}")))?;
    }
    fixture.envoy.wait_for_access_log(6)?;
    let log = fixture.envoy.stop()?;
    for part in [&good, &expired, &forged].iter().flat_map(|token| token.split('.')) {
        assert!(!log.contains(part), "{part} is in the log:\n{log}");
    }
    // The access log, whose lines start with a brace, contains the identity by configuration.
    let filters = log.lines().filter(|line| !line.starts_with('{'));
    assert!(
        filters.clone().any(|line| line.contains("refused")),
        "no log line at level debug:\n{log}"
    );
    for line in filters {
        assert!(!line.contains("alice"), "a claim is in the log: {line}");
    }
    Ok(())
}

#[test]
fn accepts_any_byte_in_header_values() -> Result<()> {
    let mut fixture = Fixture::start(trusting)?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    for byte in 0x80..=0xFF_u8 {
        let request = Request::get("/")
            .bearer(&token)
            .header("x-any", [b'a', byte])
            .header("cookie", [b'c', b'=', byte])
            .header("accept", [byte])
            .header("origin", [byte]);
        let response = fixture.envoy.http1().send(request)?;
        assert_eq!(response.status, 200, "byte {byte:#x}");
    }
    assert_no_trap(&mut fixture.envoy)
}

#[test]
fn refuses_a_token_with_any_changed_character() -> Result<()> {
    let mut fixture = Fixture::start(trusting)?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    for at in 0..token.len() {
        let (before, rest) = token.split_at(at);
        let other = if rest.starts_with('A') { "B" } else { "A" };
        let changed = format!("{before}{other}{}", rest.get(1..).unwrap_or_default());
        let response = fixture.envoy.http1().send(Request::get("/").bearer(&changed))?;
        assert!([401, 403].contains(&response.status), "character {at}: {}", response.status);
    }
    assert_eq!(fixture.app.count(), 0);
    assert_no_trap(&mut fixture.envoy)
}

/// Returns valid HTTP requests that must be denied.
fn hostile(issuer: &IdentityProvider) -> Result<Vec<(String, Request)>> {
    let mut all = Vec::new();
    for (name, token) in tokens(issuer)? {
        all.push((name.to_owned(), Request::get("/").bearer(&token)));
        all.push((format!("{name}, as a parameter"), parameter(&token)));
    }
    let good = issuer.token(Algorithm::ES256, &issuer.claims())?;
    let twice = Request::get("/").bearer(&good).bearer("a.b.c");
    all.push(("two authorization headers".to_owned(), twice));
    let joined = Request::get("/").header("authorization", format!("Bearer {good}, Bearer x.y.z"));
    all.push(("two tokens in one header".to_owned(), joined));
    let both = Request::get("/?access_token=a.b.c").bearer(&good);
    all.push(("tokens in two locations".to_owned(), both));
    let again = format!("/?access_token={good}&access_token=a.b.c");
    all.push(("two tokens in one parameter".to_owned(), Request::get(&again)));
    for byte in 0x80..=0xFF_u8 {
        let mut value = format!("Bearer {good}").into_bytes();
        value.push(byte);
        let request = Request::get("/").header("authorization", value);
        all.push((format!("byte {byte:#x} after the token"), request));
    }
    Ok(all)
}

/// Returns a request with the token as a percent-encoded query parameter.
fn parameter(token: &str) -> Request {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let encode = |byte| if plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") };
    let value: String = token.bytes().map(encode).collect();
    Request::get(&format!("/?access_token={value}"))
}

/// Returns tokens that must never be accepted.
fn tokens(issuer: &IdentityProvider) -> Result<Vec<(&'static str, String)>> {
    let claims = issuer.claims().to_string();
    let unsigned = |header: &str| format!("{}.{}.", base64url(header), base64url(&claims));
    let signed = |header: &str, payload: &str| issuer.token_of(Algorithm::ES256, header, payload);
    let es256 = r#"{"alg":"ES256","kid":"p256"}"#;
    let double = claims.replacen('{', r#"{"iss":"https://other.example.com","#, 1);
    let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
    let nested = claims.replacen('{', &format!(r#"{{"deep":{deep},"#), 1);
    let quoted = with(issuer.claims(), "exp", json!("99999999999")).to_string();
    let negative = with(issuer.claims(), "exp", json!(-1)).to_string();
    let enormous = claims.replacen('{', r#"{"nbf":1e400,"#, 1);
    let good = signed(es256, &claims)?;
    Ok(vec![
        ("three empty parts", "..".to_owned()),
        ("dots", ".".repeat(5000)),
        ("four parts", format!("{good}.x")),
        ("padding", format!("{good}==")),
        ("no signature", good.rsplit_once('.').map(|(s, _)| format!("{s}.")).unwrap_or_default()),
        ("alg none", unsigned(r#"{"alg":"none"}"#)),
        ("alg None, signed", signed(r#"{"alg":"None","kid":"p256"}"#, &claims)?),
        ("alg a list", signed(r#"{"alg":["ES256"],"kid":"p256"}"#, &claims)?),
        ("alg twice", signed(r#"{"alg":"none","alg":"ES256","kid":"p256"}"#, &claims)?),
        ("an RSA key as HMAC secret", confused(issuer, &claims)?),
        (
            "an embedded key",
            signed(
                &format!(r#"{{"alg":"ES256","jwk":{{}},"kid":"{}"}}"#, "x".repeat(300)),
                &claims,
            )?,
        ),
        ("crit", signed(r#"{"alg":"ES256","kid":"p256","crit":["exp"]}"#, &claims)?),
        ("an issuer twice", signed(es256, &double)?),
        ("deep JSON", signed(es256, &nested)?),
        ("a quoted exp", signed(es256, &quoted)?),
        ("a negative exp", signed(es256, &negative)?),
        ("an enormous nbf", signed(es256, &enormous)?),
        ("payload a list", signed(es256, "[]")?),
        ("payload not UTF-8", latin1(issuer, es256)?),
        ("text after the payload", signed(es256, &format!("{claims}{{}}"))?),
        (
            "48 KiB",
            signed(es256, &with(issuer.claims(), "x", json!("x".repeat(36_000))).to_string())?,
        ),
        (
            "zero r and s",
            format!("{}.{}.{}", base64url(es256), base64url(&claims), base64url([0; 64])),
        ),
    ])
}

/// Returns a token whose HMAC secret is the text of the public key.
fn confused(issuer: &IdentityProvider, claims: &str) -> Result<String> {
    let jwk = issuer.keys().jwk(Algorithm::RS256);
    let secret = STANDARD.encode(jwk.to_string());
    let header = r#"{"alg":"HS256","kid":"rsa"}"#;
    let message = format!("{}.{}", base64url(header), base64url(claims));
    let key = EncodingKey::from_base64_secret(&secret)?;
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256)?;
    Ok(format!("{message}.{signature}"))
}

fn latin1(issuer: &IdentityProvider, header: &str) -> Result<String> {
    let message = format!("{}.{}", base64url(header), base64url(b"{\"iss\":\"\xff\"}"));
    let signature = issuer.keys().sign(Algorithm::ES256, message.as_bytes())?;
    Ok(format!("{message}.{signature}"))
}

/// Returns header lines that are invalid or nearly so.
fn unclean() -> Vec<(&'static str, Vec<u8>)> {
    let value = |value: &[u8]| [b"authorization: Bearer ", value].concat();
    vec![
        ("NUL", value(b"a.b\0.c")),
        ("DEL", value(b"a.b\x7f.c")),
        ("a bare line feed", value(b"a.b\nauthorization: Bearer d.e.f")),
        ("a folded line", value(b"a.b.c\r\n d")),
        ("64 KiB", value(&[b'a'; 65_536])),
        ("tabs", value(b"\t\ta.b.c\t")),
    ]
}
