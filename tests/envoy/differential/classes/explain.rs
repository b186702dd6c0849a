//! Why outcomes differ.

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

    /// Only the native filter takes the token for good.
    fn is_stricter(&self) -> bool {
        matches!(self.difference, Difference::Stricter | Difference::Unidentified)
    }

    /// Both refuse, and say different things.
    fn is_told_otherwise(&self) -> bool {
        matches!(self.difference, Difference::Status | Difference::Text | Difference::Error)
    }

    fn we_say(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.ours.says(text))
    }

    /// jwt-auth finds one of `traits` bad and says one of `texts`, if it says anything.
    pub(super) fn refused(&self, traits: &[&str], texts: &[&str]) -> bool {
        let silent = *self.difference == Difference::Unidentified || self.has(&["head"]);
        self.has(traits) && (silent || self.we_say(texts))
    }

    /// The application sees something else in `header`.
    pub(super) fn changes(&self, header: &str) -> bool {
        matches!(self.difference, Difference::Header(name) if name == header)
    }

    /// The claim with one of `traits` is written differently.
    pub(super) fn writes(&self, traits: &[&str], header: &str) -> bool {
        self.has(traits) && self.changes(header)
    }

    /// The native filter has seen no token.
    fn native_sees_none(&self) -> bool {
        matches!(self.native, Outcome::Admitted(_)) || self.native.says(MISSING)
    }

    /// jwt-auth has seen no token.
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
/// parameter or cookie, even an empty one.
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

/// Padding, spare bits and other characters; they are found before the JSON is read.
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

/// The native filter refuses a time beyond 64 bits.
pub(super) fn endless_time(seen: &Seen<'_>) -> bool {
    let admits = matches!(seen.difference, Difference::Laxer | Difference::Identified);
    let told = "field is not a positive 64 bit integer";
    let refuses = matches!(seen.native, Outcome::Refused(refusal) if refusal.text.ends_with(told));
    seen.has(&["exp too far", "nbf too far", "iat too far"]) && (admits || refuses)
}

/// The native filter's lifetime overflows.
pub(super) fn endless_lifetime(seen: &Seen<'_>) -> bool {
    seen.refused(&["exp the greatest"], &[UNVERIFIED]) && seen.is_stricter()
}

/// The native filter refuses the name that RFC 9864 gives to EdDSA, before anything else.
pub(super) fn alias(seen: &Seen<'_>) -> bool {
    let same = matches!(seen.difference, Difference::Laxer | Difference::Identified);
    seen.has(&["alg Ed25519"]) && (same || seen.native.says(UNSUPPORTED))
}

/// The native filter asks the key that `kid` names, whatever `alg` says.
pub(super) fn algorithm_of_a_key(seen: &Seen<'_>) -> bool {
    let told = seen.is_told_otherwise() && seen.we_say(&[UNSUPPORTED, NO_KEY]);
    let other_key = seen.has_any("alg ") || seen.has(&["kid of another key"]);
    other_key && (told || seen.is_stricter() && seen.has_any("alg "))
}

pub(super) fn ed25519_length(seen: &Seen<'_>) -> bool {
    seen.ours.says(UNVERIFIED) && seen.native.says("Jwt ED25519 signature is wrong length")
}

/// Both name a member that is wrong, and each the one that it looks at first.
pub(super) fn first_wrong_member(seen: &Seen<'_>) -> bool {
    let parts = ["Jwt header [", "Jwt payload ["];
    let names_in = |outcome: &Outcome, part: &str| matches!(outcome, Outcome::Refused(refusal) if refusal.text.starts_with(part));
    parts.iter().any(|part| names_in(seen.ours, part) && names_in(seen.native, part))
}

/// The native filter fails on a value that it cannot write.
pub(super) fn control_byte(seen: &Seen<'_>) -> bool {
    seen.has(&["sub with a line feed"]) && seen.native.says("invalid header value for: x-user")
}

pub(super) fn rest_of_a_query(seen: &Seen<'_>) -> bool {
    *seen.difference == Difference::Path && seen.has(&["query before others"])
}

pub(super) fn preflight_with_a_token(seen: &Seen<'_>) -> bool {
    seen.has(&["preflight"]) && matches!(seen.ours, Outcome::Admitted(_))
}
