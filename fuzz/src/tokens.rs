//! Tokens that are valid at [`NOW`](crate::policies::NOW).

use std::time::Duration;

/// Signed with Ed25519 for `alice`.
pub const EDDSA: &str = concat!(
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImVkMjU1MTkiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkcC5leGF",
    "tcGxlLmNvbSIsInN1YiI6ImFsaWNlIiwiYXVkIjoib3JkZXJzIiwiZXhwIjoxODAwMDAwNjAwfQ.IKT5lWOsFGRrTx",
    "Om3G8kLqEFoeCCh0AhOszGNNuWnL3T-nlHlNxnast9CJ-MgvJPKNGkyxipS70qWLiEZFMfAw",
);
/// Signed with a shared secret for `alice`, with scopes, roles and a nested claim.
pub const HS256: &str = concat!(
    "eyJhbGciOiJIUzI1NiIsImtpZCI6InNlY3JldCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkcC5leGFtc",
    "GxlLmNvbSIsInN1YiI6ImFsaWNlIiwiYXVkIjoib3JkZXJzIiwiZXhwIjoxODAwMDAwNjAwLCJzY29wZSI6InJlYWQ",
    "gYWRtaW4iLCJyb2xlcyI6WyJhIiwiYiJdLCJhIjp7ImIiOjF9fQ.mG2xyfW72cXgO6KpAHdVZ1M77PuxTkfg2m8j5F",
    "q3-2M",
);

/// Both tokens.
pub const GOOD: [&str; 2] = [EDDSA, HS256];

/// The signed example of RFC 7515, appendix A.3, of the issuer `joe`.
pub const RFC_TOKEN: &str = concat!(
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm",
    "NvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApm",
    "WQxfKTUJqPP3-Kg6NU1Q"
);
/// The key set that verifies [`RFC_TOKEN`].
pub const RFC_KEYS: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
/// A time since 1970 at which [`RFC_TOKEN`] is valid.
pub const RFC_NOW: Duration = Duration::from_secs(1_300_819_000);
