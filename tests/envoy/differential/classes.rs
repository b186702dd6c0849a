//! The intended differences, named as in the README, with a predicate for each.

use super::{
    corpus::Case,
    outcome::{Difference, Outcome},
};

mod explain;

/// A kind of intended difference.
pub(super) struct Class {
    /// Its name in the README.
    pub(super) name: &'static str,
    /// Returns `true` if it explains a difference.
    explains: fn(&Seen<'_>) -> bool,
}

/// A difference with its request and both outcomes.
struct Seen<'a> {
    case: &'a Case,
    ours: &'a Outcome,
    native: &'a Outcome,
    difference: &'a Difference,
}

impl Class {
    /// Returns `true` if this kind explains the difference between the outcomes of `case`.
    pub(super) fn explains(
        &self,
        case: &Case,
        ours: &Outcome,
        native: &Outcome,
        difference: &Difference,
    ) -> bool {
        (self.explains)(&Seen { case, ours, native, difference })
    }
}

/// The intended differences. The first that explains a difference counts.
pub(super) const CLASSES: &[Class] = &[
    Class { name: "realm", explains: |seen| *seen.difference == Difference::Realm },
    Class { name: "case of a prefix", explains: explain::case_of_a_prefix },
    Class { name: "prefix in the middle", explains: explain::prefix_in_the_middle },
    Class { name: "empty parameter", explains: explain::empty_parameter },
    Class { name: "one token among others", explains: explain::one_among_others },
    Class { name: "several tokens", explains: explain::several_tokens },
    Class { name: "same token twice", explains: explain::same_token_twice },
    Class { name: "large token", explains: |seen| seen.refused(&["24 KiB"], &[TOO_LARGE]) },
    Class { name: "empty part", explains: |seen| seen.refused(&["a dot in front"], &[SECTIONS]) },
    Class { name: "base64url", explains: explain::base64url },
    Class { name: "nesting", explains: |seen| seen.refused(&["deep"], &[PAYLOAD_JSON]) },
    Class { name: "strict JSON", explains: |seen| seen.refused(&[COMMA], &[PAYLOAD_JSON]) },
    Class { name: "crit", explains: |seen| seen.refused(&["crit"], &[CRIT]) },
    Class { name: "type of typ", explains: |seen| seen.refused(&["typ a number"], &[TYP]) },
    Class { name: "long kid", explains: |seen| seen.refused(&["kid long"], &[KID]) },
    Class { name: "empty kid", explains: |seen| seen.refused(&["kid empty"], &[NO_KEY]) },
    Class { name: "exp of 0", explains: |seen| seen.refused(&["exp zero"], &[EXPIRED]) },
    Class { name: "time beyond 64 bits", explains: explain::endless_time },
    Class { name: "largest exp", explains: explain::endless_lifetime },
    Class { name: "Ed25519", explains: explain::alias },
    Class { name: "algorithm of a key", explains: explain::algorithm_of_a_key },
    Class { name: "length of an EdDSA signature", explains: explain::ed25519_length },
    Class { name: "first of several wrong members", explains: explain::first_wrong_member },
    Class { name: "number to a header", explains: |seen| seen.writes(NUMBERS, "x-level") },
    Class { name: "list or object to a header", explains: |seen| seen.writes(LISTS, "x-level") },
    Class { name: "blank to a header", explains: |seen| seen.writes(BLANKS, "x-level") },
    Class { name: "control byte to a header", explains: explain::control_byte },
    Class { name: "rest of a query", explains: explain::rest_of_a_query },
    Class { name: "cookie", explains: |seen| seen.changes("cookie") },
    Class { name: "client's own mark", explains: |seen| seen.changes("x-jwt-signature-verified") },
    Class { name: "preflight with a token", explains: explain::preflight_with_a_token },
];

const BLANKS: &[&str] = &["a text claim with a blank before"];
const COMMA: &str = "payload with a comma too many";
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
    "a number claim with a zero behind",
    "a number claim as a power",
    "a number claim beyond 64 bits",
    "a minus zero claim",
];
const PAYLOAD_JSON: &str = "Jwt payload is an invalid JSON";
const SECTIONS: &str =
    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
const TOO_LARGE: &str = "Jwt is too large";
const TYP: &str = "Jwt header [typ] field is not a string";
const UNSUPPORTED: &str = "Jwt header [alg] is not supported";
const UNVERIFIED: &str = "Jwt verification fails";
