//! The protected header of a JSON Web Signature (RFC 7515 section 4).

use super::json::{self, JsonRef};
use crate::{
    algorithm::Algorithm,
    denial::{Reason, Rejection},
};

/// The maximum length of `kid` in bytes.
const MAX_KEY_ID_BYTES: usize = 256;

/// The header of a token; `jku`, `jwk`, `x5u` and `x5c` are ignored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// The signature algorithm.
    pub algorithm: Algorithm,
    /// The identifier of the key, `kid`.
    pub key_id: Option<Box<str>>,
    /// The media type, `typ`, as written.
    pub token_type: Option<Box<str>>,
}

impl Header {
    pub(super) fn parse(decoded: Vec<u8>) -> Result<Self, Rejection> {
        let document = String::from_utf8(decoded).map_err(|_| NOT_JSON)?;
        let object = json::parse_object(&document).map_err(|_| NOT_JSON)?;
        let object = JsonRef::new(&document, &object);
        let name = object.member("alg").and_then(JsonRef::as_str).ok_or(NO_ALGORITHM)?;
        let key_id = text(object, "kid", BAD_KEY_ID)?;
        if key_id.is_some_and(|id| id.len() > MAX_KEY_ID_BYTES) {
            return Err(BAD_KEY_ID);
        }
        let token_type = text(object, "typ", BAD_TYPE)?;
        if object.member("crit").is_some() {
            return Err(CRITICAL);
        }
        Ok(Self {
            algorithm: Algorithm::from_name(name).ok_or(Rejection::UNSUPPORTED_ALGORITHM)?,
            key_id: key_id.map(Into::into),
            token_type: token_type.map(Into::into),
        })
    }
}

fn text<'a>(
    object: JsonRef<'a>,
    name: &str,
    rejection: Rejection,
) -> Result<Option<&'a str>, Rejection> {
    object.member(name).map(|member| member.as_str().ok_or(rejection)).transpose()
}

const NOT_JSON: Rejection = Rejection::new(Reason::BadHeader, "Jwt header is an invalid JSON");
const NO_ALGORITHM: Rejection =
    Rejection::new(Reason::BadHeader, "Jwt header [alg] field is required and must be a string");
const BAD_KEY_ID: Rejection =
    Rejection::new(Reason::BadHeader, "Jwt header [kid] field is not a string");
const BAD_TYPE: Rejection =
    Rejection::new(Reason::BadHeader, "Jwt header [typ] field is not a string");
const CRITICAL: Rejection =
    Rejection::new(Reason::CriticalHeader, "Jwt header [crit] is not supported");
