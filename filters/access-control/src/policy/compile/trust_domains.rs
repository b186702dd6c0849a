//! Aliases of the trust domain, by which istiod also compares identities.

use std::collections::BTreeSet;

use filter_core::ConfigErrors;

/// Istio's alias for the trust domain of the mesh.
const LOCAL: &str = "cluster.local";
const MAX_ALIASES: usize = 64;
/// The number of parts of an identity: `<trust domain>/ns/<namespace>/sa/<service account>`.
const PARTS: usize = 5;
/// The maximum length of a DNS label.
const MAX_LABEL: usize = 63;

/// The names of the trust domain.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrustDomains<'c>(&'c [String]);

/// The effect of matching more identities than the document names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Widening {
    /// It can only deny more, so `cluster.local` counts as a name even if it is not listed.
    Denies,
    /// It can allow more.
    Allows,
}

impl<'c> TrustDomains<'c> {
    /// Checks the names, and adds an error for each invalid one.
    pub(super) fn compile(names: &'c [String], errors: &mut ConfigErrors) -> Self {
        let got = names.len();
        if got > MAX_ALIASES {
            let max = format_args!("must have at most {MAX_ALIASES} entries, got {got}");
            errors.add("trustDomainAliases", max);
        }
        let mut seen = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            let path = format!("trustDomainAliases[{index}]");
            if !is_trust_domain(name) {
                errors.add(
                    &path,
                    format_args!("must be a trust domain such as td.example, got \"{name}\""),
                );
            }
            if !seen.insert(name) {
                errors.add(path, format_args!("must be unique, got \"{name}\" twice"));
            }
        }
        Self(names)
    }

    /// Returns an identity or a pattern of one under each name of its trust domain.
    ///
    /// As in istiod, `cluster.local` means the trust domain of the mesh, and a pattern keeps its
    /// wildcard for the names that it matches.
    pub(super) fn identities(&self, value: &str, widening: Widening) -> Vec<String> {
        let mut identities = vec![value.to_owned()];
        let parts = value.split('/').count();
        let Some((domain, rest)) = value.split_once('/') else { return identities };
        if parts != PARTS || domain == "*" {
            return identities;
        }
        let is_name = |name: &&str| *name == domain || covers(domain, name);
        if domain != LOCAL && !self.names(widening).any(|name| is_name(&name)) {
            return identities;
        }
        if domain == LOCAL && widening == Widening::Allows && !self.0.is_empty() {
            // Names are given, so a peer that calls itself `cluster.local` is another mesh's.
            identities.clear();
        }
        for name in self.names(widening) {
            let is_covered = domain.starts_with('*') && covers(domain, name);
            let identity = format!("{name}/{rest}");
            if !is_covered && !identities.contains(&identity) {
                identities.push(identity);
            }
        }
        identities
    }

    /// Returns a trust domain and, if it is one of the names, all others.
    pub(super) fn trust_domains(&self, value: &str, widening: Widening) -> Vec<String> {
        let mut domains = vec![value.to_owned()];
        if self.names(widening).any(|name| name == value) {
            let others = self.names(widening).filter(|name| *name != value);
            domains.extend(others.map(str::to_owned));
        }
        domains
    }

    fn names(&self, widening: Widening) -> impl Iterator<Item = &'c str> {
        let names = self.0.iter().map(String::as_str);
        let is_added = widening == Widening::Denies
            && !self.0.is_empty()
            && self.0.iter().all(|name| name != LOCAL);
        names.chain(is_added.then_some(LOCAL))
    }
}

/// Returns `true` if a pattern with a star at its beginning or its end matches a name.
fn covers(pattern: &str, name: &str) -> bool {
    let by_prefix = pattern.strip_suffix('*').is_some_and(|prefix| name.starts_with(prefix));
    by_prefix || pattern.strip_prefix('*').is_some_and(|suffix| name.ends_with(suffix))
}

/// Returns `true` for a DNS name in lower case, also with a dot at its end.
fn is_trust_domain(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.split('.').all(|label| {
        let ends = [label.bytes().next(), label.bytes().next_back()];
        ends.iter().all(|end| end.is_some_and(is_letter))
            && label.len() <= MAX_LABEL
            && label.bytes().all(|byte| is_letter(byte) || byte == b'-')
    })
}
