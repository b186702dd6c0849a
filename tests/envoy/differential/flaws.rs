//! Flaws of a token. Each changes one thing in a valid token.

use super::token_builder::TokenBuilder;

/// A name and a change to the token.
pub(super) type Flaw = (&'static str, fn(&mut TokenBuilder));

/// Changes to the header.
pub(super) const HEADER_FLAWS: &[Flaw] = &[
    ("kid absent", |d| d.header.remove("kid")),
    ("kid unknown", |d| d.header.set("kid", "\"other\"")),
    ("kid empty", |d| d.header.set("kid", "\"\"")),
    ("kid a number", |d| d.header.set("kid", "7")),
    ("kid of another key", |d| d.header.set("kid", "\"p384\"")),
    ("kid long", |d| d.header.set("kid", &format!("\"{}\"", "k".repeat(300)))),
    ("typ JWT", |d| d.header.set("typ", "\"JWT\"")),
    ("typ at+jwt", |d| d.header.set("typ", "\"at+jwt\"")),
    ("typ a number", |d| d.header.set("typ", "1")),
    ("alg absent", |d| d.header.remove("alg")),
    ("alg none", |d| d.header.set("alg", "\"none\"")),
    ("alg a number", |d| d.header.set("alg", "256")),
    ("alg in lower case", |d| d.header.set("alg", "\"rs256\"")),
    ("alg unknown", |d| d.header.set("alg", "\"XS256\"")),
    ("alg ES256K", |d| d.header.set("alg", "\"ES256K\"")),
    ("alg HS256", |d| d.header.set("alg", "\"HS256\"")),
    ("alg RS256", |d| d.header.set("alg", "\"RS256\"")),
    ("alg RS512", |d| d.header.set("alg", "\"RS512\"")),
    ("alg PS256", |d| d.header.set("alg", "\"PS256\"")),
    ("alg ES256", |d| d.header.set("alg", "\"ES256\"")),
    ("alg ES384", |d| d.header.set("alg", "\"ES384\"")),
    ("alg ES512", |d| d.header.set("alg", "\"ES512\"")),
    ("alg EdDSA", |d| d.header.set("alg", "\"EdDSA\"")),
    ("alg Ed25519", |d| d.header.set("alg", "\"Ed25519\"")),
    ("alg twice", |d| d.header.add("alg", "\"none\"")),
    ("crit", |d| d.header.add("crit", "[\"exp\"]")),
    ("b64", |d| d.header.add("b64", "false")),
    ("jwk", |d| d.header.add("jwk", "{\"kty\":\"oct\",\"k\":\"AA\"}")),
    ("header empty", |d| d.header_text = Some("{}")),
    ("header a list", |d| d.header_text = Some("[]")),
    ("header not JSON", |d| d.header_text = Some("alg")),
];

/// Changes to the claims.
pub(super) const CLAIMS_FLAWS: &[Flaw] = &[
    ("iss absent", |d| d.claims.remove("iss")),
    ("iss other", |d| d.claims.set("iss", "\"https://other.example.com\"")),
    ("iss partner", |d| d.claims.set("iss", "\"https://partner.example.com\"")),
    ("iss with a slash", |d| d.claims.set("iss", "\"https://idp.example.com/\"")),
    ("iss a number", |d| d.claims.set("iss", "5")),
    ("iss null", |d| d.claims.set("iss", "null")),
    ("iss twice", |d| d.claims.add("iss", "\"https://idp.example.com\"")),
    ("sub absent", |d| d.claims.remove("sub")),
    ("sub a number", |d| d.claims.set("sub", "5")),
    ("sub empty", |d| d.claims.set("sub", "\"\"")),
    ("sub beyond ASCII", |d| d.claims.set("sub", "\"z\u{fc}rich\"")),
    ("sub with a line feed", |d| d.claims.set("sub", "\"a\\nb\"")),
    ("sub and exp of wrong types", |d| {
        d.claims.set("sub", "5");
        d.claims.set("exp", "\"5\"");
    }),
    ("jti a number", |d| d.claims.set("jti", "5")),
    ("aud absent", |d| d.claims.remove("aud")),
    ("aud other", |d| d.claims.set("aud", "\"billing.example.com\"")),
    ("aud empty", |d| d.claims.set("aud", "\"\"")),
    ("aud an empty list", |d| d.claims.set("aud", "[]")),
    ("aud a list", |d| d.claims.set("aud", "[\"a\",\"orders.example.com\"]")),
    ("aud a list of others", |d| d.claims.set("aud", "[\"a\",\"b\"]")),
    ("aud https", |d| d.claims.set("aud", "\"https://orders.example.com/\"")),
    ("aud http", |d| d.claims.set("aud", "\"http://orders.example.com\"")),
    ("aud two slashes", |d| d.claims.set("aud", "\"orders.example.com//\"")),
    ("aud in upper case", |d| d.claims.set("aud", "\"ORDERS.example.com\"")),
    ("aud a number", |d| d.claims.set("aud", "5")),
    ("aud an object", |d| d.claims.set("aud", "{}")),
    ("aud a list with a number", |d| d.claims.set("aud", "[\"orders.example.com\",5]")),
    ("exp absent", |d| d.claims.remove("exp")),
    ("exp past", |d| d.claims.set("exp", &d.at(-3600))),
    ("exp past beyond the skew", |d| d.claims.set("exp", &d.at(-90))),
    ("exp past within the skew", |d| d.claims.set("exp", &d.at(-5))),
    ("exp with a fraction", |d| d.claims.set("exp", &format!("{}.75", d.at(300)))),
    ("exp as a power", |d| d.claims.set("exp", "4e9")),
    ("exp zero", |d| d.claims.set("exp", "0")),
    ("exp far", |d| d.claims.set("exp", "9007199254740991")),
    ("exp maximal", |d| d.claims.set("exp", "9223372036854775807")),
    ("exp too far", |d| d.claims.set("exp", "18446744073709551616")),
    ("exp negative", |d| d.claims.set("exp", "-5")),
    ("exp quoted", |d| d.claims.set("exp", &format!("\"{}\"", d.at(300)))),
    ("exp quoted and past", |d| d.claims.set("exp", "\"5\"")),
    ("exp null", |d| d.claims.set("exp", "null")),
    ("exp a list", |d| d.claims.set("exp", "[]")),
    ("nbf past", |d| d.claims.set("nbf", &d.at(-100))),
    ("nbf future", |d| d.claims.set("nbf", &d.at(3600))),
    ("nbf future beyond the skew", |d| d.claims.set("nbf", &d.at(120))),
    ("nbf future within the skew", |d| d.claims.set("nbf", &d.at(5))),
    ("nbf too far", |d| d.claims.set("nbf", "18446744073709551616")),
    ("nbf quoted", |d| d.claims.set("nbf", &format!("\"{}\"", d.at(-5)))),
    ("nbf a boolean", |d| d.claims.set("nbf", "true")),
    ("iat absent", |d| d.claims.remove("iat")),
    ("iat future", |d| d.claims.set("iat", &d.at(3600))),
    ("iat too far", |d| d.claims.set("iat", "18446744073709551616")),
    ("iat old", |d| d.claims.set("iat", "1")),
    ("iat quoted", |d| d.claims.set("iat", "\"1\"")),
    ("iat negative", |d| d.claims.set("iat", "-1")),
    ("a number claim with a fraction", |d| d.claims.set("level", "1.5")),
    ("a large number claim", |d| d.claims.set("level", "12345678901234")),
    ("a negative number claim", |d| d.claims.set("level", "-7")),
    ("a number claim with a trailing zero", |d| d.claims.set("level", "1.10")),
    ("a number claim as a power", |d| d.claims.set("level", "1e3")),
    ("a number claim beyond 64 bits", |d| d.claims.set("level", "18446744073709551617")),
    ("a negative zero claim", |d| d.claims.set("level", "-0")),
    ("a text claim with a leading space", |d| d.claims.set("level", "\" seven\"")),
    ("a list claim", |d| d.claims.set("level", "[\"a\",\"b\"]")),
    ("an object claim", |d| d.claims.set("level", "{\"a\":1}")),
    ("a null claim", |d| d.claims.set("level", "null")),
    ("a false claim", |d| d.claims.set("admin", "false")),
    ("a text instead of an object", |d| d.claims.set("realm", "\"north\"")),
    ("duplicate member", |d| d.claims.add("sub", "\"mallory\"")),
    ("nested duplicate member", |d| d.claims.set("realm", r#"{"name":"a","name":"b"}"#)),
    ("deeply nested", |d| d.claims.set("x", &format!("{}{}", "[".repeat(40), "]".repeat(40)))),
    ("8 KiB", |d| d.claims.set("x", &format!("\"{}\"", "x".repeat(6000)))),
    ("24 KiB", |d| d.claims.set("x", &format!("\"{}\"", "x".repeat(18_000)))),
    ("payload empty", |d| d.payload_text = Some("{}")),
    ("payload a list", |d| d.payload_text = Some("[]")),
    ("payload not JSON", |d| d.payload_text = Some("sub")),
    ("payload a text", |d| d.payload_text = Some("\"sub\"")),
    ("payload followed by text", |d| d.payload_text = Some("{} x")),
    ("payload with a trailing comma", |d| d.payload_text = Some("{\"a\":1,}")),
];

/// Changes to the signed token.
pub(super) const TOKEN_FLAWS: &[Flaw] = &[
    ("signature changed", |d| d.tamper = Some(|token| flip(token, 10))),
    ("signature cut", |d| d.tamper = Some(|token| cut(token, 4))),
    ("signature absent", |d| d.tamper = Some(|token| format!("{}.", before_signature(token)))),
    ("signature longer", |d| d.tamper = Some(|token| format!("{token}AAAA"))),
    ("signature padded", |d| d.tamper = Some(|token| format!("{token}=="))),
    ("signature of a bad length", |d| {
        d.tamper = Some(|t| format!("{}.AAAAA", before_signature(t)))
    }),
    ("signature with spare bits", |d| d.tamper = Some(spare_bits)),
    ("signature with a slash", |d| d.tamper = Some(|t| format!("{}.ab/c", before_signature(t)))),
    ("two parts", |d| d.tamper = Some(|token| before_signature(token).to_owned())),
    ("one part", |d| d.tamper = Some(|token| token.replace('.', ""))),
    ("four parts", |d| d.tamper = Some(|token| format!("{token}.x"))),
    ("leading dot", |d| d.tamper = Some(|token| format!(".{token}"))),
    ("header not base64url", |d| d.tamper = Some(|token| format!("a{token}"))),
    ("header cut", |d| d.tamper = Some(|token| token.get(1..).unwrap_or_default().to_owned())),
    ("header not UTF-8", |d| {
        d.tamper = Some(|token| format!("_w{}", token.get(2..).unwrap_or("")))
    }),
    ("payload corrupted", |d| d.tamper = Some(|token| token.replacen('.', ".A", 1))),
    ("payload changed", |d| d.tamper = Some(|token| token.replacen(".ey", ".ez", 1))),
];

fn before_signature(token: &str) -> &str {
    token.rsplit_once('.').map_or("", |(before, _)| before)
}

fn cut(token: &str, characters: usize) -> String {
    token.get(..token.len().saturating_sub(characters)).unwrap_or_default().to_owned()
}

/// Replaces the character at this distance from the end.
fn flip(token: &str, from_end: usize) -> String {
    let at = token.len().saturating_sub(from_end);
    let (before, rest) = token.split_at(at);
    let other = if rest.starts_with('A') { "B" } else { "A" };
    format!("{before}{other}{}", rest.get(1..).unwrap_or_default())
}

/// Sets a trailing bit of the signature that base64url decoders may ignore.
fn spare_bits(token: &str) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = token.chars().last().unwrap_or('A');
    let index = alphabet.find(last).unwrap_or_default();
    let next = alphabet.chars().nth(index.saturating_add(1)).unwrap_or('B');
    format!("{}{next}", cut(token, 1))
}
