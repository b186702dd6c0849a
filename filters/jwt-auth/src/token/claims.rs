//! The claims of a JSON Web Token (RFC 7519 section 4).

use filter_core::ClaimPath;

use super::json::{self, Json, JsonRef};
use crate::denial::{Reason, Rejection};

/// The payload of a token, whose registered claims have valid types.
#[derive(Debug)]
pub struct Claims {
    document: String,
    object: Json,
    times: Registered,
}

/// The registered claims that are times, in whole seconds since 1970; larger times are `u64::MAX`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Registered {
    /// `exp`: the token expires at this time.
    pub expires: Option<u64>,
    /// `nbf`: the token is not valid before this time.
    pub not_before: Option<u64>,
    /// `iat`: the token was issued at this time.
    pub issued: Option<u64>,
}

impl Claims {
    pub(super) fn parse(decoded: Vec<u8>) -> Result<Self, Rejection> {
        let document = String::from_utf8(decoded).map_err(|_| NOT_JSON)?;
        let object = json::parse_object(&document).map_err(|_| NOT_JSON)?;
        let root = JsonRef::new(&document, &object);
        let times = Registered {
            expires: seconds(root, "exp", &EXP)?,
            not_before: seconds(root, "nbf", &NBF)?,
            issued: seconds(root, "iat", &IAT)?,
        };
        for (name, rejection) in TEXTS {
            if root.member(name).is_some_and(|claim| claim.as_str().is_none()) {
                return Err(rejection);
            }
        }
        if root.member("aud").is_some_and(|claim| !is_audience(claim)) {
            return Err(AUD);
        }
        Ok(Self { document, object, times })
    }

    /// Returns the payload as a JSON object.
    pub fn root(&self) -> JsonRef<'_> {
        JsonRef::new(&self.document, &self.object)
    }

    /// Returns the JSON text of the payload as written by the issuer.
    pub fn document(&self) -> &str {
        &self.document
    }

    /// Returns the times.
    pub const fn times(&self) -> Registered {
        self.times
    }

    /// Returns the claim at a path.
    pub fn find(&self, path: &ClaimPath) -> Option<JsonRef<'_>> {
        self.root().follow(path.names().iter().map(String::as_str))
    }

    /// Returns the string claim `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.root().member(name).and_then(JsonRef::as_str)
    }

    /// Iterates over the audiences; empty without `aud`.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        let claim = self.root().member("aud");
        let single = claim.and_then(JsonRef::as_str);
        let several = claim.and_then(JsonRef::elements).into_iter().flatten();
        single.into_iter().chain(several.filter_map(JsonRef::as_str))
    }

    /// Returns the time claim `name` in whole seconds since 1970.
    pub fn seconds(&self, name: &str) -> Option<u64> {
        self.root().member(name)?.digits().and_then(whole)
    }

    /// Returns the approximate memory of the claims.
    pub(super) fn approx_bytes(&self) -> usize {
        self.document.len().saturating_add(self.object.approx_bytes())
    }

    /// Returns the scopes in these claims: strings split on whitespace, and the strings in lists.
    pub fn scopes<'a>(&'a self, claims: &[ClaimPath]) -> Vec<&'a str> {
        let mut scopes = Vec::new();
        for claim in claims.iter().filter_map(|path| self.find(path)) {
            let text = claim.as_str().into_iter();
            scopes.extend(text.flat_map(str::split_ascii_whitespace));
            let list = claim.elements().into_iter().flatten();
            scopes.extend(list.filter_map(JsonRef::as_str));
        }
        scopes
    }

    /// Returns `<iss>/<sub>`, which Istio calls the request principal.
    pub fn principal(&self) -> Option<String> {
        let subject = self.text("sub")?;
        Some(format!("{}/{subject}", self.text("iss").unwrap_or_default()))
    }
}

fn is_audience(claim: JsonRef<'_>) -> bool {
    let are_strings = |mut list: Box<dyn Iterator<Item = JsonRef<'_>> + '_>| {
        list.all(|element| element.as_str().is_some())
    };
    claim.as_str().is_some() || claim.elements().is_some_and(|list| are_strings(Box::new(list)))
}

struct TimeRejections {
    not_a_number: Rejection,
    out_of_range: Rejection,
}

fn seconds(
    root: JsonRef<'_>,
    name: &str,
    rejections: &TimeRejections,
) -> Result<Option<u64>, Rejection> {
    let Some(claim) = root.member(name) else { return Ok(None) };
    let digits = claim.digits().ok_or(rejections.not_a_number)?;
    whole(digits).ok_or(rejections.out_of_range).map(Some)
}

/// Parses a non-negative number and drops its fraction.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn whole(number: &str) -> Option<u64> {
    let unsigned = number.strip_prefix('-').unwrap_or(number);
    let is_zero = |text: &str| text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if unsigned.len() < number.len() && !is_zero(unsigned.split(['e', 'E']).next()?) {
        return None;
    }
    if unsigned.contains(['e', 'E']) {
        return unsigned.parse::<f64>().ok().map(|seconds| seconds as u64);
    }
    Some(unsigned.split('.').next()?.parse().unwrap_or(u64::MAX))
}

const fn bad(text: &'static str) -> Rejection {
    Rejection::new(Reason::BadPayload, text)
}

const NOT_JSON: Rejection = bad("Jwt payload is an invalid JSON");
const AUD: Rejection = bad("Jwt payload [aud] field is not a string or string list");
const TEXTS: [(&str, Rejection); 3] = [
    ("iss", bad("Jwt payload [iss] field is not a string")),
    ("sub", bad("Jwt payload [sub] field is not a string")),
    ("jti", bad("Jwt payload [jti] field is not a string")),
];
const EXP: TimeRejections = TimeRejections {
    not_a_number: bad("Jwt payload [exp] field is not an integer"),
    out_of_range: bad("Jwt payload [exp] field is not a positive 64 bit integer"),
};
const NBF: TimeRejections = TimeRejections {
    not_a_number: bad("Jwt payload [nbf] field is not an integer"),
    out_of_range: bad("Jwt payload [nbf] field is not a positive 64 bit integer"),
};
const IAT: TimeRejections = TimeRejections {
    not_a_number: bad("Jwt payload [iat] field is not an integer"),
    out_of_range: bad("Jwt payload [iat] field is not a positive 64 bit integer"),
};
