//! The intended differences between the responses of both filters.

use std::collections::BTreeSet;

use tests::client::Response;

/// A header whose value differs intentionally.
pub(super) struct KnownDifference {
    /// The header.
    pub(super) header: &'static str,
    /// Returns `true` if it explains the values, of this filter and of Envoy's.
    explains: fn(Option<&str>, Option<&str>) -> bool,
}

/// The intended differences.
pub(super) const KNOWN_DIFFERENCES: &[KnownDifference] = &[
    // Problem details instead of the text `local_rate_limited`.
    KnownDifference { header: "content-type", explains: |_, native| native == Some("text/plain") },
    KnownDifference { header: "content-length", explains: |_, native| native == Some("18") },
    // The headers of the IETF's draft, and the time until the next attempt.
    KnownDifference { header: "ratelimit", explains: is_additional },
    KnownDifference { header: "ratelimit-policy", explains: is_additional },
    KnownDifference { header: "retry-after", explains: is_additional },
    // Keeps Envoys from retrying.
    KnownDifference { header: "x-envoy-ratelimited", explains: is_additional },
    // If the last unit is taken: the time until the bucket is full, and until it has a unit.
    KnownDifference {
        header: "x-ratelimit-reset",
        explains: |ours, native| ours == Some("2") && native == Some("1"),
    },
];

/// Headers that depend on the time or on the application.
const IGNORED: [&str; 3] = ["date", "x-envoy-upstream-service-time", "server"];

fn is_additional(ours: Option<&str>, native: Option<&str>) -> bool {
    ours.is_some() && native.is_none()
}

/// Fails unless all differences between the responses are known.
pub(super) fn assert_known(ours: &Response, native: &Response, what: &str) {
    let names = |response: &Response| -> BTreeSet<String> {
        response.headers.keys().map(ToString::to_string).collect()
    };
    assert_eq!(ours.status, native.status, "{what}");
    let mut unknown = Vec::new();
    for name in names(ours).union(&names(native)) {
        let (ours, native) = (ours.header(name), native.header(name));
        if IGNORED.contains(&name.as_str()) || ours == native {
            continue;
        }
        let is_known = KNOWN_DIFFERENCES
            .iter()
            .any(|known| known.header == name && (known.explains)(ours, native));
        if !is_known {
            unknown.push(format!("{name} is {ours:?}, natively {native:?}"));
        }
    }
    assert!(unknown.is_empty(), "{what} has status {}: {}", ours.status, unknown.join("; "));
}
