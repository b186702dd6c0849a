//! The intended differences, named as in the README, with a predicate for each.

use super::{
    corpus::Case,
    outcome::{Difference, Outcome},
};

mod explain;

/// A kind of intended difference.
pub(super) struct KnownDifference {
    /// Its name in the README.
    pub(super) name: &'static str,
    /// Returns `true` if it explains a difference.
    explains: fn(&Diff<'_>) -> bool,
}

/// A difference with its request and both outcomes.
struct Diff<'a> {
    case: &'a Case,
    ours: &'a Outcome,
    native: &'a Outcome,
    difference: &'a Difference,
}

impl KnownDifference {
    /// Returns `true` if this kind explains the difference between the outcomes of `case`.
    pub(super) fn explains(
        &self,
        case: &Case,
        ours: &Outcome,
        native: &Outcome,
        difference: &Difference,
    ) -> bool {
        (self.explains)(&Diff { case, ours, native, difference })
    }
}

/// The intended differences. The first that explains a difference counts.
pub(super) const KNOWN_DIFFERENCES: &[KnownDifference] = &[
    KnownDifference { name: "realm", explains: |diff| *diff.difference == Difference::Realm },
    KnownDifference { name: "case of a prefix", explains: explain::case_of_a_prefix },
    KnownDifference { name: "prefix in the middle", explains: explain::prefix_in_the_middle },
    KnownDifference { name: "empty parameter", explains: explain::empty_parameter },
    KnownDifference { name: "one token among others", explains: explain::one_among_others },
    KnownDifference { name: "several tokens", explains: explain::several_tokens },
    KnownDifference { name: "same token twice", explains: explain::same_token_twice },
    KnownDifference {
        name: "large token",
        explains: |diff| diff.denied(&["24 KiB"], &[TOO_LARGE]),
    },
    KnownDifference {
        name: "empty part",
        explains: |diff| diff.denied(&["leading dot"], &[SECTIONS]),
    },
    KnownDifference { name: "base64url", explains: explain::base64url },
    KnownDifference {
        name: "nesting",
        explains: |diff| diff.denied(&["deeply nested"], &[PAYLOAD_JSON]),
    },
    KnownDifference {
        name: "strict JSON",
        explains: |diff| diff.denied(&[COMMA], &[PAYLOAD_JSON]),
    },
    KnownDifference { name: "crit", explains: |diff| diff.denied(&["crit"], &[CRIT]) },
    KnownDifference {
        name: "type of typ",
        explains: |diff| diff.denied(&["typ a number"], &[TYP]),
    },
    KnownDifference { name: "long kid", explains: |diff| diff.denied(&["kid long"], &[KID]) },
    KnownDifference { name: "empty kid", explains: |diff| diff.denied(&["kid empty"], &[NO_KEY]) },
    KnownDifference { name: "exp of 0", explains: |diff| diff.denied(&["exp zero"], &[EXPIRED]) },
    KnownDifference { name: "time beyond 64 bits", explains: explain::endless_time },
    KnownDifference { name: "largest exp", explains: explain::endless_lifetime },
    KnownDifference { name: "Ed25519", explains: explain::alias },
    KnownDifference { name: "algorithm of a key", explains: explain::algorithm_of_a_key },
    KnownDifference { name: "length of an EdDSA signature", explains: explain::ed25519_length },
    KnownDifference {
        name: "first of several wrong members",
        explains: explain::first_wrong_member,
    },
    KnownDifference {
        name: "number to a header",
        explains: |diff| diff.writes_differently(NUMBERS, "x-level"),
    },
    KnownDifference {
        name: "list or object to a header",
        explains: |diff| diff.writes_differently(LISTS, "x-level"),
    },
    KnownDifference {
        name: "blank to a header",
        explains: |diff| diff.writes_differently(BLANKS, "x-level"),
    },
    KnownDifference { name: "control byte to a header", explains: explain::control_byte },
    KnownDifference { name: "rest of a query", explains: explain::rest_of_a_query },
    KnownDifference { name: "cookie", explains: |diff| diff.changes("cookie") },
    KnownDifference {
        name: "client's own mark",
        explains: |diff| diff.changes("x-jwt-signature-verified"),
    },
    KnownDifference { name: "preflight with a token", explains: explain::preflight_with_a_token },
];

const BLANKS: &[&str] = &["a text claim with a leading space"];
const COMMA: &str = "payload with a trailing comma";
const CRIT: &str = "Jwt header [crit] is not supported";
const EXPIRED: &str = "Jwt is expired";
const KID: &str = "Jwt header [kid] field is not a string";
const LISTS: &[&str] = &["a list claim", "an object claim"];
const MISSING: &str = "Jwt is missing";
const MULTIPLE: &str = "Found multiple Jwt tokens";
const NO_KEY: &str = "Jwks doesn't have key to match kid or alg from Jwt";
const NUMBERS: &[&str] = &[
    "a number claim with a fraction",
    "a large number claim",
    "a negative number claim",
    "a number claim with a trailing zero",
    "a number claim as a power",
    "a number claim beyond 64 bits",
    "a negative zero claim",
];
const PAYLOAD_JSON: &str = "Jwt payload is an invalid JSON";
const SECTIONS: &str =
    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
const TOO_LARGE: &str = "Jwt is too large";
const TYP: &str = "Jwt header [typ] field is not a string";
const UNSUPPORTED: &str = "Jwt header [alg] is not supported";
const UNVERIFIED: &str = "Jwt verification fails";
