//! A token before it is signed. Its members are raw JSON text, so invalid ones can be written too.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use tests::{
    identity_provider::now,
    keys::{Keys, base64url},
};

/// The issuer trusted by every setting.
pub(super) const ISSUER: &str = "https://idp.example.com";

/// A JSON object as a list of members, each with its value as JSON text.
#[derive(Clone, Debug)]
pub(super) struct Members(Vec<(String, String)>);

impl Members {
    /// Adds a member, even if there is one of that name.
    pub(super) fn add(&mut self, name: &str, json: &str) {
        self.0.push((name.to_owned(), json.to_owned()));
    }

    /// Removes a member.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(found, _)| found != name);
    }

    /// Replaces a member.
    pub(super) fn set(&mut self, name: &str, json: &str) {
        self.remove(name);
        self.add(name, json);
    }

    fn text(&self) -> String {
        let members = self.0.iter().map(|(name, json)| format!("\"{name}\":{json}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

/// An unsigned token.
#[derive(Clone, Debug)]
pub(super) struct TokenBuilder {
    /// The algorithm of the signature, independent of the header.
    pub(super) algorithm: Algorithm,
    /// The header.
    pub(super) header: Members,
    /// The claims.
    pub(super) claims: Members,
    /// Replaces the header.
    pub(super) header_text: Option<&'static str>,
    /// Replaces the claims.
    pub(super) payload_text: Option<&'static str>,
    /// The current time in seconds since the Unix epoch.
    pub(super) now: u64,
    /// A change to the signed token.
    pub(super) tamper: Option<fn(&str) -> String>,
}

impl TokenBuilder {
    /// Returns a valid token for `algorithm`.
    pub(super) fn valid(algorithm: Algorithm, keys: &Keys) -> Self {
        let now = now();
        let mut header = Members(Vec::new());
        header.add("alg", &format!("\"{algorithm:?}\""));
        header.add("kid", &format!("\"{}\"", keys.kid(algorithm)));
        let mut claims = Members(Vec::new());
        claims.add("iss", &format!("\"{ISSUER}\""));
        claims.add("sub", "\"alice\"");
        claims.add("aud", "\"orders.example.com\"");
        claims.add("iat", &now.to_string());
        claims.add("exp", &now.saturating_add(600).to_string());
        claims.add("level", "7");
        claims.add("admin", "true");
        claims.add("realm", r#"{"name":"north","deep":{"er":"down"}}"#);
        Self { algorithm, header, claims, header_text: None, payload_text: None, now, tamper: None }
    }

    /// Returns the current time plus `seconds`.
    pub(super) fn at(&self, seconds: i64) -> String {
        self.now.saturating_add_signed(seconds).to_string()
    }

    /// Signs the token.
    pub(super) fn sign(&self, keys: &Keys) -> Result<String> {
        let header = self.header_text.map_or_else(|| self.header.text(), str::to_owned);
        let payload = self.payload_text.map_or_else(|| self.claims.text(), str::to_owned);
        let message = format!("{}.{}", base64url(header), base64url(payload));
        let signature = keys.sign(self.algorithm, message.as_bytes())?;
        let token = format!("{message}.{signature}");
        Ok(self.tamper.map_or_else(|| token.clone(), |tamper| tamper(&token)))
    }
}
