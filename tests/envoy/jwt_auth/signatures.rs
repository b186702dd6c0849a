//! Signatures with boundary values, verified by the host or in the module.
#![allow(clippy::arithmetic_side_effects, reason = "the operands are test data")]

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::json;
use tests::{client::Request, identity_provider::IdentityProvider, keys::base64url};

use super::{Fixture, trusting, with};

/// The order of P-256 (FIPS 186-4 D.1.2.3).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The order of Ed25519's group (RFC 8032 section 5.1), little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn parts(token: &str) -> Result<(&str, Vec<u8>)> {
    let (message, signature) = token.rsplit_once('.').context("not a token")?;
    Ok((message, URL_SAFE_NO_PAD.decode(signature)?))
}

fn status(fixture: &Fixture, message: &str, signature: &[u8]) -> Result<u16> {
    let token = format!("{message}.{}", base64url(signature));
    Ok(fixture.envoy.http1().send(Request::get("/").bearer(&token))?.status)
}

/// Signs tokens until the byte of the signature at `index` is zero.
fn with_zero_at(issuer: &IdentityProvider, index: usize) -> Result<String> {
    for number in 0..100_000 {
        let claims = with(issuer.claims(), "jti", json!(number.to_string()));
        let token = issuer.token(Algorithm::ES256, &claims)?;
        if parts(&token)?.1.get(index) == Some(&0) {
            return Ok(token);
        }
    }
    anyhow::bail!("no such signature")
}

/// Subtracts big-endian numbers. The first must be the larger one.
fn difference(from: &[u8], number: &[u8]) -> Vec<u8> {
    let mut borrow = 0_i16;
    let mut result: Vec<u8> = Vec::new();
    for (a, b) in from.iter().zip(number).rev() {
        let digit = i16::from(*a) - i16::from(*b) - borrow;
        borrow = i16::from(digit < 0);
        result.insert(0, u8::try_from(digit + 256 * borrow).unwrap_or_default());
    }
    result
}

/// Adds little-endian numbers. An overflow is dropped.
fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0_u16;
    let mut digits = Vec::new();
    for (a, b) in a.iter().zip(b) {
        let [high, low] = (u16::from(*a) + u16::from(*b) + carry).to_be_bytes();
        carry = u16::from(high);
        digits.push(low);
    }
    digits
}

#[test]
fn accepts_valid_signatures_of_unusual_form() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    for index in [0, 32] {
        let token = with_zero_at(&fixture.issuer, index)?;
        let (message, signature) = parts(&token)?;
        assert_eq!(status(&fixture, message, &signature)?, 200, "a leading zero at {index}");
        let (r, s) = signature.split_at(32);
        let other = [r, &difference(&P256_ORDER, s)].concat();
        assert_eq!(status(&fixture, message, &other)?, 200, "the other valid s");
    }
    Ok(())
}

#[test]
fn refuses_boundary_numbers_and_lengths() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    let token = |algorithm| fixture.issuer.token(algorithm, &fixture.issuer.claims());
    let (es256, rs256, eddsa) =
        (token(Algorithm::ES256)?, token(Algorithm::RS256)?, token(Algorithm::EdDSA)?);
    let ((es, ec), (rs, rsa), (ed, edwards)) = (parts(&es256)?, parts(&rs256)?, parts(&eddsa)?);
    let (r, s) = ec.split_at(32);
    let (point, scalar) = edwards.split_at(32);
    let modulus =
        fixture.issuer.keys().jwk(Algorithm::RS256)["n"].as_str().context("no modulus")?;
    let modulus = URL_SAFE_NO_PAD.decode(modulus)?;
    let zero = [0_u8; 32];
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("r is zero", es, [&zero, s].concat()),
        ("s is zero", es, [r, &zero].concat()),
        ("both are zero", es, vec![0; 64]),
        ("r is the order", es, [&P256_ORDER, s].concat()),
        ("s is the order", es, [r, &P256_ORDER].concat()),
        ("all ones", es, vec![0xff; 64]),
        ("r and s swapped", es, [s, r].concat()),
        ("a byte short", es, ec[..63].to_vec()),
        ("a byte long", es, [&ec[..], &[0]].concat()),
        ("halves of 48 bytes", es, [&[0; 16], r, &[0; 16], s].concat()),
        ("DER", es, [&[0x30, 0x44, 2, 32], r, &[2, 32], s].concat()),
        ("of another algorithm", es, rsa.clone()),
        ("RSA: zero", rs, vec![0; rsa.len()]),
        ("RSA: one", rs, [vec![0; rsa.len() - 1], vec![1]].concat()),
        ("RSA: the modulus", rs, modulus.clone()),
        ("RSA: the other root", rs, difference(&modulus, &rsa)),
        ("RSA: a byte short", rs, rsa[1..].to_vec()),
        ("RSA: a zero in front", rs, [&[0], &rsa[..]].concat()),
        ("RSA: of another algorithm", rs, ec.clone()),
        ("EdDSA: the point is neutral", ed, [&[1], &zero[1..], scalar].concat()),
        ("EdDSA: s plus the order", ed, [point, &sum(scalar, &ED25519_ORDER)].concat()),
        ("EdDSA: zero", ed, vec![0; 64]),
        ("EdDSA: a byte short", ed, edwards[..63].to_vec()),
    ];
    for (name, message, signature) in cases {
        assert_eq!(status(&fixture, message, &signature)?, 401, "{name}");
    }
    assert_eq!(fixture.app.count(), 0);
    for (message, signature) in [(es, ec), (rs, rsa), (ed, edwards)] {
        assert_eq!(status(&fixture, message, &signature)?, 200);
    }
    Ok(())
}

#[test]
fn refuses_an_empty_signature() -> Result<()> {
    let fixture = Fixture::start(trusting)?;
    let token = fixture.issuer.token(Algorithm::ES256, &fixture.issuer.claims())?;
    assert_eq!(status(&fixture, parts(&token)?.0, &[])?, 401);
    Ok(())
}
