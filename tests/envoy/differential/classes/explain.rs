//! Predicates of the intended differences.

use super::{
    super::outcome::{Difference, Outcome},
    MISSING, MULTIPLE, NO_KEY, SECTIONS, Seen, UNSUPPORTED, UNVERIFIED,
};

impl Seen<'_> {
    fn has(&self, traits: &[&str]) -> bool {
        self.case.has(traits)
    }

    fn has_any(&self, prefix: &str) -> bool {
        self.case.traits.iter().any(|name| name.starts_with(prefix))
    }

    /// Returns `true` if only the native filter accepts the token.
    fn is_stricter(&self) -> bool {
        matches!(self.difference, Difference::Stricter | Difference::Unidentified)
    }

    /// Returns `true` if both deny the request with different responses.
    fn is_told_otherwise(&self) -> bool {
        matches!(self.difference, Difference::Status | Difference::Text | Difference::Error)
    }

    fn we_say(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.ours.says(text))
    }

    /// Returns `true` if the request has one of `traits` and jwt-auth responds with one of `texts`, or
    /// without a text.
    pub(super) fn refused(&self, traits: &[&str], texts: &[&str]) -> bool {
        let silent = *self.difference == Difference::Unidentified || self.has(&["head"]);
        self.has(traits) && (silent || self.we_say(texts))
    }

    /// Returns `true` if the application receives other values of `header`.
    pub(super) fn changes(&self, header: &str) -> bool {
        matches!(self.difference, Difference::Header(name) if name == header)
    }

    /// Returns `true` if a claim with one of `traits` is written to `header` differently.
    pub(super) fn writes(&self, traits: &[&str], header: &str) -> bool {
        self.has(traits) && self.changes(header)
    }

    /// Returns `true` if the native filter found no token.
    fn native_sees_none(&self) -> bool {
        matches!(self.native, Outcome::Admitted(_)) || self.native.says(MISSING)
    }

    /// Returns `true` if jwt-auth found no token.
    fn we_see_none(&self) -> bool {
        matches!(self.ours, Outcome::Admitted(_)) || self.ours.says(MISSING)
    }
}

pub(super) fn case_of_a_prefix(seen: &Seen<'_>) -> bool {
    let places = ["bearer in lower case", "bearer in upper case", "x-prefixed in lower case"];
    seen.has(&places) && seen.native_sees_none()
}

pub(super) fn prefix_in_the_middle(seen: &Seen<'_>) -> bool {
    seen.has(&["prefix in the middle"]) && seen.we_see_none()
}

pub(super) fn empty_parameter(seen: &Seen<'_>) -> bool {
    let places = ["query without a value", "query with an empty value"];
    seen.has(&places) && seen.we_see_none() && seen.native.says(SECTIONS)
}

pub(super) fn several_tokens(seen: &Seen<'_>) -> bool {
    let places = [
        "two schemes",
        "two tokens in a header",
        "two headers",
        "header and query",
        "query twice",
        "x-token twice",
        "two locations",
        "cookie twice",
        "cookies in two headers",
        "three locations",
        "two tokens in a header, one without a scheme",
    ];
    seen.refused(&places, &[MULTIPLE])
}

/// The native filter takes everything after a prefix as the token, and the first value of a
/// parameter or cookie even if it is empty.
pub(super) fn one_among_others(seen: &Seen<'_>) -> bool {
    let places = [
        "comma behind",
        "two schemes",
        "two schemes, basic behind",
        "two tokens in a header, the same",
        "two headers, basic before",
        "two headers, basic behind",
        "two headers, one empty",
        "two headers, the same",
        "query twice, empty before",
        "cookie twice, empty before",
        "x-token twice, the same",
        "x-token and a comma",
        "x-token in a list",
        "x-token before a list",
    ];
    let finds = matches!(seen.difference, Difference::Laxer | Difference::Identified);
    let reads_more = matches!(seen.native, Outcome::Refused(_)) && seen.is_told_otherwise();
    seen.has(&places) && (finds || reads_more)
}

pub(super) fn same_token_twice(seen: &Seen<'_>) -> bool {
    let places =
        ["header and query, the same", "two locations, the same", "x-token twice, the same"];
    seen.has(&places) && matches!(seen.difference, Difference::Header(_))
}

/// Padding, non-zero trailing bits and invalid characters, detected before the JSON is parsed.
pub(super) fn base64url(seen: &Seen<'_>) -> bool {
    let traits = [
        "signature cut",
        "signature padded",
        "signature with spare bits",
        "signature with a slash",
        "signature of a bad length",
        "header cut",
        "header not base64url",
        "payload spoilt",
        "text behind",
        "x-token with spaces",
    ];
    let parts = ["header", "payload", "signature"];
    let texts = parts.map(|part| format!("Jwt {part} is an invalid Base64url encoded"));
    seen.refused(&traits, &texts.each_ref().map(String::as_str))
}

/// The native filter denies a time beyond 64 bits.
pub(super) fn endless_time(seen: &Seen<'_>) -> bool {
    let admits = matches!(seen.difference, Difference::Laxer | Difference::Identified);
    let told = "field is not a positive 64 bit integer";
    let refuses = matches!(seen.native, Outcome::Refused(refusal) if refusal.text.ends_with(told));
    seen.has(&["exp too far", "nbf too far", "iat too far"]) && (admits || refuses)
}

/// The lifetime overflows in the native filter.
pub(super) fn endless_lifetime(seen: &Seen<'_>) -> bool {
    seen.refused(&["exp the greatest"], &[UNVERIFIED]) && seen.is_stricter()
}

/// The native filter rejects the algorithm name `Ed25519` of RFC 9864 before any other check.
pub(super) fn alias(seen: &Seen<'_>) -> bool {
    let same = matches!(seen.difference, Difference::Laxer | Difference::Identified);
    seen.has(&["alg Ed25519"]) && (same || seen.native.says(UNSUPPORTED))
}

/// The native filter uses the key of `kid` even if `alg` does not fit.
pub(super) fn algorithm_of_a_key(seen: &Seen<'_>) -> bool {
    let told = seen.is_told_otherwise() && seen.we_say(&[UNSUPPORTED, NO_KEY]);
    let other_key = seen.has_any("alg ") || seen.has(&["kid of another key"]);
    other_key && (told || seen.is_stricter() && seen.has_any("alg "))
}

pub(super) fn ed25519_length(seen: &Seen<'_>) -> bool {
    seen.ours.says(UNVERIFIED) && seen.native.says("Jwt ED25519 signature is wrong length")
}

/// Each filter reports the invalid member that it checks first.
pub(super) fn first_wrong_member(seen: &Seen<'_>) -> bool {
    let parts = ["Jwt header [", "Jwt payload ["];
    let names_in = |outcome: &Outcome, part: &str| matches!(outcome, Outcome::Refused(refusal) if refusal.text.starts_with(part));
    parts.iter().any(|part| names_in(seen.ours, part) && names_in(seen.native, part))
}

/// The native filter denies a value that is not a valid header value.
pub(super) fn control_byte(seen: &Seen<'_>) -> bool {
    seen.has(&["sub with a line feed"]) && seen.native.says("invalid header value for: x-user")
}

pub(super) fn rest_of_a_query(seen: &Seen<'_>) -> bool {
    *seen.difference == Difference::Path && seen.has(&["query before others"])
}

pub(super) fn preflight_with_a_token(seen: &Seen<'_>) -> bool {
    seen.has(&["preflight"]) && matches!(seen.ours, Outcome::Admitted(_))
}
