//! Rows of the README.

/// A row of the README.
pub(crate) struct TypicalRow {
    /// Name of the variant.
    pub(crate) name: &'static str,
    /// Label in the README.
    pub(crate) label: &'static str,
    /// Implementation.
    pub(crate) kind: Kind,
}

/// Implementation of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No filter, or one without a policy.
    Baseline,
    /// Filters of this repository.
    Weir,
    /// Envoy's native filters.
    Envoy,
}

/// Rows of the README: baselines, each filter next to its native peer, chains.
pub(crate) const ROWS: [TypicalRow; 18] = [
    row("no filter", "no filter", Kind::Baseline),
    row("empty filter", "empty Wasm filter", Kind::Baseline),
    row("jwt-auth RS256 cached", "jwt-auth, RS256 token, cached", Kind::Weir),
    row("jwt_authn RS256 cached", "jwt_authn, RS256 token, cached", Kind::Envoy),
    row("tags: routing-tags 1 rule", "routing-tags, one rule", Kind::Weir),
    row("tags: header_to_metadata", "header_to_metadata, one rule", Kind::Envoy),
    row("fault fault-injection 100 %, no match", "fault-injection, no match", Kind::Weir),
    row("fault native 100 %, no match", "fault, no match", Kind::Envoy),
    row("telemetry {}", "telemetry", Kind::Weir),
    row("telemetry native stats access log", "stats access log", Kind::Envoy),
    row("limit rate-limit no key", "rate-limit, one limit", Kind::Weir),
    row("limit native", "local_ratelimit, one limit", Kind::Envoy),
    row("access: access-control 100 rules", "access-control, 100 rules", Kind::Weir),
    row("access: native RBAC 100 rules", "RBAC, 100 rules", Kind::Envoy),
    row("chain: four modules", "four filters in four modules", Kind::Weir),
    row("chain: suite", "four filters in one module (suite)", Kind::Weir),
    row("chain: native", "jwt_authn, header_to_metadata, fault", Kind::Envoy),
    row("chain: native without cache", "the same without a token cache", Kind::Envoy),
];

const fn row(name: &'static str, label: &'static str, kind: Kind) -> TypicalRow {
    TypicalRow { name, label, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_measured() {
        let variants = crate::variants::all().unwrap();
        for row in &ROWS {
            assert!(variants.iter().any(|variant| variant.name == row.name), "{}", row.name);
        }
    }
}
