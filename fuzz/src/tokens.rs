//! Tokens that are valid at [`NOW`](crate::policies::NOW).

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
