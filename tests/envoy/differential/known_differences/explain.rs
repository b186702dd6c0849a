//! Predicates of the intended differences.

use super::{
    super::outcome::{Difference, Outcome},
    Diff, MISSING, MULTIPLE, NO_KEY, SECTIONS, UNSUPPORTED, UNVERIFIED,
};

impl Diff<'_> {
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
    fn responds_differently(&self) -> bool {
        matches!(self.difference, Difference::Status | Difference::Text | Difference::Error)
    }

    fn our_text_is_one_of(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.ours.has_text(text))
    }

    /// Returns `true` if the request has one of `traits` and jwt-auth responds with one of `texts`,
    /// or without a text.
    pub(super) fn denied(&self, traits: &[&str], texts: &[&str]) -> bool {
        let silent = *self.difference == Difference::Unidentified || self.has(&["head"]);
        self.has(traits) && (silent || self.our_text_is_one_of(texts))
    }

    /// Returns `true` if the application receives other values of `header`.
    pub(super) fn changes(&self, header: &str) -> bool {
        matches!(self.difference, Difference::Header(name) if name == header)
    }

    /// Returns `true` if a claim with one of `traits` is written to `header` differently.
    pub(super) fn writes_differently(&self, traits: &[&str], header: &str) -> bool {
        self.has(traits) && self.changes(header)
    }

    /// Returns `true` if the native filter found no token.
    fn native_finds_none(&self) -> bool {
        matches!(self.native, Outcome::Admitted(_)) || self.native.has_text(MISSING)
    }

    /// Returns `true` if jwt-auth found no token.
    fn we_find_none(&self) -> bool {
        matches!(self.ours, Outcome::Admitted(_)) || self.ours.has_text(MISSING)
    }
}

pub(super) fn case_of_a_prefix(diff: &Diff<'_>) -> bool {
    let traits = ["bearer in lower case", "bearer in upper case", "x-prefixed in lower case"];
    diff.has(&traits) && diff.native_finds_none()
}

pub(super) fn prefix_in_the_middle(diff: &Diff<'_>) -> bool {
    diff.has(&["prefix in the middle"]) && diff.we_find_none()
}

pub(super) fn empty_parameter(diff: &Diff<'_>) -> bool {
    let traits = ["query without a value", "query with an empty value"];
    diff.has(&traits) && diff.we_find_none() && diff.native.has_text(SECTIONS)
}

pub(super) fn several_tokens(diff: &Diff<'_>) -> bool {
    let traits = [
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
    diff.denied(&traits, &[MULTIPLE])
}

/// The native filter takes everything after a prefix as the token, and the first value of a
/// parameter or cookie even if it is empty.
pub(super) fn one_among_others(diff: &Diff<'_>) -> bool {
    let traits = [
        "trailing comma",
        "two schemes",
        "two schemes, basic last",
        "two tokens in a header, the same",
        "two headers, basic first",
        "two headers, basic last",
        "two headers, one empty",
        "two headers, the same",
        "query twice, empty first",
        "cookie twice, empty first",
        "x-token twice, the same",
        "x-token and a comma",
        "x-token in a list",
        "x-token before a list",
    ];
    let finds = matches!(diff.difference, Difference::Laxer | Difference::Identified);
    let reads_more = matches!(diff.native, Outcome::Denied(_)) && diff.responds_differently();
    diff.has(&traits) && (finds || reads_more)
}

pub(super) fn same_token_twice(diff: &Diff<'_>) -> bool {
    let traits =
        ["header and query, the same", "two locations, the same", "x-token twice, the same"];
    diff.has(&traits) && matches!(diff.difference, Difference::Header(_))
}

/// Padding, non-zero trailing bits and invalid characters, detected before the JSON is parsed.
pub(super) fn base64url(diff: &Diff<'_>) -> bool {
    let traits = [
        "signature cut",
        "signature padded",
        "signature with spare bits",
        "signature with a slash",
        "signature of a bad length",
        "header cut",
        "header not base64url",
        "payload corrupted",
        "trailing text",
        "x-token with spaces",
    ];
    let parts = ["header", "payload", "signature"];
    let texts = parts.map(|part| format!("Jwt {part} is an invalid Base64url encoded"));
    diff.denied(&traits, &texts.each_ref().map(String::as_str))
}

/// The native filter denies a time beyond 64 bits.
pub(super) fn endless_time(diff: &Diff<'_>) -> bool {
    let admits = matches!(diff.difference, Difference::Laxer | Difference::Identified);
    let suffix = "field is not a positive 64 bit integer";
    let expect_rejection =
        matches!(diff.native, Outcome::Denied(denial) if denial.text.ends_with(suffix));
    diff.has(&["exp too far", "nbf too far", "iat too far"]) && (admits || expect_rejection)
}

/// The lifetime overflows in the native filter.
pub(super) fn endless_lifetime(diff: &Diff<'_>) -> bool {
    diff.denied(&["exp maximal"], &[UNVERIFIED]) && diff.is_stricter()
}

/// The native filter rejects the algorithm name `Ed25519` of RFC 9864 before any other check.
pub(super) fn alias(diff: &Diff<'_>) -> bool {
    let same = matches!(diff.difference, Difference::Laxer | Difference::Identified);
    diff.has(&["alg Ed25519"]) && (same || diff.native.has_text(UNSUPPORTED))
}

/// The native filter uses the key of `kid` even if `alg` does not fit.
pub(super) fn algorithm_of_a_key(diff: &Diff<'_>) -> bool {
    let differs = diff.responds_differently() && diff.our_text_is_one_of(&[UNSUPPORTED, NO_KEY]);
    let other_key = diff.has_any("alg ") || diff.has(&["kid of another key"]);
    other_key && (differs || diff.is_stricter() && diff.has_any("alg "))
}

pub(super) fn ed25519_length(diff: &Diff<'_>) -> bool {
    diff.ours.has_text(UNVERIFIED) && diff.native.has_text("Jwt ED25519 signature is wrong length")
}

/// Each filter reports the invalid member that it checks first.
pub(super) fn first_wrong_member(diff: &Diff<'_>) -> bool {
    let parts = ["Jwt header [", "Jwt payload ["];
    let starts_with = |outcome: &Outcome, part: &str| match outcome {
        Outcome::Denied(denial) => denial.text.starts_with(part),
        Outcome::Admitted(_) => false,
    };
    parts.iter().any(|part| starts_with(diff.ours, part) && starts_with(diff.native, part))
}

/// The native filter denies a value that is not a valid header value.
pub(super) fn control_byte(diff: &Diff<'_>) -> bool {
    diff.has(&["sub with a line feed"]) && diff.native.has_text("invalid header value for: x-user")
}

pub(super) fn rest_of_a_query(diff: &Diff<'_>) -> bool {
    *diff.difference == Difference::Path && diff.has(&["query before others"])
}

pub(super) fn preflight_with_a_token(diff: &Diff<'_>) -> bool {
    diff.has(&["preflight"]) && matches!(diff.ours, Outcome::Admitted(_))
}
