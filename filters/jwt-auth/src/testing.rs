//! Keys, tokens and policies for tests.

use std::{sync::LazyLock, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use filter_core::{Headers, InvalidConfig, Reply, Request, parse_config};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use crate::{
    Admission, CompileContext, Config, Crypto, Metric, Policy, Reason, Verdict, WaitPolicy, Worker,
    algorithm::{Algorithm, Digest, Family},
};

/// The time in all tests, in seconds since 1970.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://idp.example.com";

static KEYS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../testdata/keys.json")).unwrap());

/// Returns the entry of `testdata/keys.json` for an algorithm.
pub(crate) fn key(algorithm: Algorithm) -> &'static Value {
    let name = match algorithm.family() {
        Family::RsaPkcs1 | Family::RsaPss => "rsa",
        Family::Ecdsa => match algorithm.digest() {
            Digest::Sha256 => "p256",
            Digest::Sha384 => "p384",
            Digest::Sha512 => "p521",
        },
        Family::EdDsa => "ed25519",
        Family::Hmac => "secret",
    };
    named_key(name)
}

pub(crate) fn named_key(name: &str) -> &'static Value {
    &KEYS[name]
}

/// Returns another public key for an algorithm, as a JWK without `kid`.
pub(crate) fn other_key(algorithm: Algorithm) -> Value {
    let prime = match algorithm {
        Algorithm::Es256 => "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        Algorithm::Es384 => {
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000\
             ffffffff"
        }
        Algorithm::EdDsa => {
            let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
            return json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        }
        _ => return json!({"kty": "oct", "k": "A".repeat(86)}),
    };
    // The inverse of the point: (x, -y).
    let jwk = with(key(algorithm)["jwk"].clone(), "kid", Value::Null);
    let y = URL_SAFE_NO_PAD.decode(jwk["y"].as_str().unwrap()).unwrap();
    let prime = rsa::BigUint::parse_bytes(prime.as_bytes(), 16).unwrap();
    let y = (prime - rsa::BigUint::from_bytes_be(&y)).to_bytes_be();
    with(jwk, "y", json!(URL_SAFE_NO_PAD.encode(y)))
}

/// Returns a key set of the keys that pure Rust supports.
pub(crate) fn jwks() -> String {
    let names = ["rsa", "p256", "p384", "ed25519", "secret"];
    json!({"keys": names.map(|name| named_key(name)["jwk"].clone())}).to_string()
}

/// Signs a header and a payload, which may be any text.
pub(crate) fn sign(algorithm: Algorithm, header: &str, payload: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let private = URL_SAFE_NO_PAD.decode(key(algorithm)["private"].as_str().unwrap()).unwrap();
    let private = match algorithm.family() {
        Family::RsaPkcs1 | Family::RsaPss => EncodingKey::from_rsa_der(&private),
        Family::Ecdsa => EncodingKey::from_ec_der(&private),
        Family::EdDsa => EncodingKey::from_ed_der(&private),
        Family::Hmac => EncodingKey::from_secret(&private),
    };
    let named = algorithm.name().parse().unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &private, named).unwrap();
    format!("{message}.{signature}")
}

/// Returns the HS256 signature of any text.
pub(crate) fn mac(message: &str) -> String {
    let secret = URL_SAFE_NO_PAD.decode(named_key("secret")["private"].as_str().unwrap()).unwrap();
    let key = EncodingKey::from_secret(&secret);
    jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap()
}

/// Signs claims with the key for an algorithm; the header names both.
pub(crate) fn token(algorithm: Algorithm, claims: &Value) -> String {
    let kid = &key(algorithm)["jwk"]["kid"];
    let header = json!({"alg": algorithm.name(), "kid": kid, "typ": "JWT"});
    sign(algorithm, &header.to_string(), &claims.to_string())
}

/// Claims that are valid in all tests.
pub(crate) fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "alice", "aud": "orders", "exp": NOW + 600})
}

/// Returns `document` with another value for a member; null removes the member.
pub(crate) fn with(mut document: Value, name: &str, value: Value) -> Value {
    let members = document.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    document
}

/// An entry of `jwtRules` with all keys of [`jwks`] and additional fields.
pub(crate) fn rule(fields: Value) -> Value {
    let rule = json!({"issuer": ISSUER, "jwks": jwks()});
    fields
        .as_object()
        .unwrap()
        .iter()
        .fold(rule, |rule, (name, value)| with(rule, name, value.clone()))
}

/// A configuration with one such entry.
pub(crate) fn document(fields: Value) -> Value {
    json!({"jwtRules": [rule(fields)]})
}

pub(crate) fn compile(document: &Value) -> Result<Policy, InvalidConfig> {
    let parsed = parse_config::<Config>(document.to_string().as_bytes());
    let crypto = Crypto::pure();
    let variable = |name: &str| {
        (name == "SECRET").then(|| "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into())
    };
    let context = CompileContext { crypto: &crypto, variable: &variable };
    let compiled = parsed.and_then(|config| Policy::new(&config, &context));
    #[cfg(not(target_arch = "wasm32"))]
    schema_check::compare::<Config>(document, compiled.is_ok());
    compiled
}

/// A policy with its worker, which decides requests as the plugin does.
pub(crate) struct Tester {
    pub(crate) policy: Policy,
    pub(crate) worker: Worker,
    pub(crate) now: u64,
}

/// The outcome of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Admitted(Admission),
    Refused(Reason, Reply),
}

pub(crate) fn tester(document: &Value) -> Tester {
    let policy = compile(document).unwrap();
    let worker = policy.worker();
    Tester { policy, worker, now: NOW }
}

impl Tester {
    pub(crate) fn send(&mut self, headers: &Headers) -> (Outcome, Vec<Metric>) {
        self.send_request(&Request { headers: headers.clone(), ..Request::default() })
    }

    pub(crate) fn send_request(&mut self, request: &Request) -> (Outcome, Vec<Metric>) {
        let now = Duration::from_secs(self.now);
        let decision = self.policy.decide(&mut self.worker, request, now, WaitPolicy::DecideNow);
        let mut counts = decision.counts;
        let denial = match decision.verdict {
            Verdict::Allow(admission) => return (Outcome::Admitted(admission), counts),
            Verdict::Deny(denial) => denial,
            Verdict::Wait(wait) => panic!("waits: {wait:?}"),
        };
        let response = self.policy.respond(&denial, &request.headers);
        counts.extend(response.counts);
        let outcome = match response.outcome {
            Err(reply) => Outcome::Refused(denial.rejection.reason(), reply),
            Ok(admission) => Outcome::Admitted(admission),
        };
        (outcome, counts)
    }

    /// Sends a request with this bearer token and returns the reason of its refusal.
    pub(crate) fn bearer(&mut self, token: &str) -> Option<Reason> {
        self.send(&bearer(token)).0.reason()
    }
}

impl Outcome {
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self {
            Self::Admitted(_) => None,
            Self::Refused(reason, _) => Some(*reason),
        }
    }

    pub(crate) fn admission(self) -> Admission {
        match self {
            Self::Admitted(admission) => admission,
            Self::Refused(reason, _) => panic!("refused: {reason:?}"),
        }
    }

    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::Admitted(admission) => panic!("admitted: {admission:?}"),
            Self::Refused(_, reply) => reply,
        }
    }
}

/// A request to `path` with additional headers.
pub(crate) fn request<V: AsRef<[u8]>>(
    path: &str,
    more: impl IntoIterator<Item = (&'static str, V)>,
) -> Headers {
    let plain = [(":method", "GET"), (":scheme", "https"), (":authority", "app.example.com")];
    let mut headers = Headers::from_iter(plain);
    headers.push(":path", path);
    for (name, value) in more {
        headers.push(name, value);
    }
    headers
}

/// A request to `path` without additional headers.
pub(crate) fn plain(path: &str) -> Headers {
    request(path, None::<(&str, &str)>)
}

pub(crate) fn bearer(token: &str) -> Headers {
    request("/", [("authorization", format!("Bearer {token}"))])
}

/// The warnings of a policy, one per line.
pub(crate) fn warnings(policy: &Policy) -> String {
    policy.warnings().iter().map(|warning| format!("{warning}\n")).collect()
}
