//! Compact JSON Web Signatures (RFC 7515) that carry JSON Web Tokens (RFC 7519).
//!
//! Parsing is strict: canonical base64url, JSON objects in UTF-8, unique members, limited depth.

use base64::{
    Engine,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};

use crate::denial::{Reason, Rejection};

mod claims;
mod header;
mod json;

pub use claims::{Claims, Registered};
pub use header::Header;
pub use json::{Json, JsonRef, Text};

/// A parsed but unverified token.
#[derive(Debug)]
pub struct Token {
    header: Header,
    claims: Claims,
    signature: Vec<u8>,
    signed_bytes: usize,
    payload: std::ops::Range<usize>,
    padded: Option<Rejection>,
}

/// Handling of padding in token parts, which RFC 7515 section 2 forbids.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Padding {
    /// Padded parts are refused.
    Refused,
    /// Each part may be padded to a multiple of four characters.
    Accepted,
}

impl Token {
    /// Parses a compact token.
    ///
    /// # Errors
    ///
    /// Fails with the first error in the token.
    pub fn parse(compact: &[u8], padding: Padding) -> Result<Self, Rejection> {
        let parts = Parts::split(compact).ok_or(NOT_THREE_PARTS)?;
        let mut padded = None;
        let mut decode = |part: &[u8], rejection: Rejection| {
            if padding == Padding::Accepted && part.ends_with(b"=") {
                padded = padded.or(Some(rejection));
                return URL_SAFE.decode(part).map_err(|_| rejection);
            }
            URL_SAFE_NO_PAD.decode(part).map_err(|_| rejection)
        };
        let header = decode(parts.header, HEADER_NOT_BASE64)?;
        let payload = decode(parts.payload, PAYLOAD_NOT_BASE64)?;
        let signature = decode(parts.signature, SIGNATURE_NOT_BASE64)?;
        let signed_bytes = parts.signed.len();
        Ok(Self {
            header: Header::parse(header)?,
            claims: Claims::parse(payload)?,
            signature,
            signed_bytes,
            payload: parts.header.len().saturating_add(1)..signed_bytes,
            padded,
        })
    }

    /// Returns the protected header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the claims.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Returns the rejection for the first padded part; `None` if no part is padded.
    pub const fn padded(&self) -> Option<Rejection> {
        self.padded
    }

    /// Returns the decoded signature.
    pub const fn signature(&self) -> &Vec<u8> {
        &self.signature
    }

    /// Returns the approximate memory of the token.
    pub(crate) fn approx_bytes(&self) -> usize {
        let own = size_of::<Self>().saturating_add(self.signature.len());
        own.saturating_add(self.claims.approx_bytes())
    }

    /// Returns the signed part of the compact form.
    pub fn signed<'a>(&self, compact: &'a [u8]) -> &'a [u8] {
        compact.get(..self.signed_bytes).unwrap_or_default()
    }

    /// Returns the encoded payload of the compact form.
    pub fn encoded_payload<'a>(&self, compact: &'a [u8]) -> &'a [u8] {
        compact.get(self.payload.clone()).unwrap_or_default()
    }
}

struct Parts<'a> {
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
    signed: &'a [u8],
}

impl<'a> Parts<'a> {
    fn split(compact: &'a [u8]) -> Option<Self> {
        let last = compact.iter().rposition(|byte| *byte == b'.')?;
        let (signed, signature) = (compact.get(..last)?, compact.get(last.checked_add(1)?..)?);
        let first = signed.iter().position(|byte| *byte == b'.')?;
        let (header, payload) = (signed.get(..first)?, signed.get(first.checked_add(1)?..)?);
        let is_empty = header.is_empty() || payload.is_empty() || signature.is_empty();
        let is_valid = !is_empty && !payload.contains(&b'.');
        is_valid.then_some(Self { header, payload, signature, signed })
    }
}

const NOT_THREE_PARTS: Rejection = Rejection::new(
    Reason::BadFormat,
    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
);
const HEADER_NOT_BASE64: Rejection =
    Rejection::new(Reason::BadHeader, "Jwt header is an invalid Base64url encoded");
const PAYLOAD_NOT_BASE64: Rejection =
    Rejection::new(Reason::BadPayload, "Jwt payload is an invalid Base64url encoded");
const SIGNATURE_NOT_BASE64: Rejection =
    Rejection::new(Reason::BadFormat, "Jwt signature is an invalid Base64url encoded");
