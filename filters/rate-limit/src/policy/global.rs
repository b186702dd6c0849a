//! Limits that a rate-limit service counts.

use std::{
    hash::{Hash, Hasher},
    time::Duration,
};

use filter_core::{Captures, Needs, Placeholder, PlaceholderText, Request};
use siphasher::sip::SipHasher13;

use super::{Limit, LimitKind, PlannedDraw, Policy};
use crate::{
    config::{FailureMode, MissingKeyConfig, ServiceMode},
    key::Secret,
    service::{self, request::Descriptor},
};

/// The rate-limit service.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// Name of the cluster.
    pub cluster: String,
    /// Value of `:authority`.
    pub authority: String,
    /// Domain of the limits.
    pub domain: String,
    /// Way of asking.
    pub mode: ServiceMode,
    /// Maximum time for which a request waits.
    pub timeout: Duration,
    /// Maximum number of units that a worker buys at once.
    pub max_batch: u32,
    /// Decision while the service does not answer.
    pub failure_mode: FailureMode,
    /// `true` if calls contain the rate.
    pub(super) sends_limit: bool,
}

/// The configured descriptor of a limit.
#[derive(Debug)]
pub(super) struct DescriptorSpec(pub(super) Vec<(String, PlaceholderText)>);

/// A draw from a limit that the service counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GlobalDraw {
    /// The draw of the pod, which decides if the service does not answer.
    pub draw: PlannedDraw,
    /// The count of the service.
    pub descriptor: Descriptor,
    /// Hash of the descriptor.
    pub key: u64,
}

/// A descriptor of a request.
pub(super) enum Described {
    Descriptor(Descriptor),
    /// The request has no value for an entry, and the limit does not hold.
    Skipped,
    /// The request has no value for an entry, and is refused.
    Denied,
}

/// The value of an entry whose placeholder has no value.
const MISSING: &str = "missing";

impl DescriptorSpec {
    pub(super) fn add_needs(&self, needs: &mut Needs) {
        let placeholders = self.0.iter().flat_map(|(_, text)| text.placeholders());
        placeholders.for_each(|placeholder| placeholder.add_needs(needs));
    }

    /// Returns the names of the variables of path templates.
    pub(super) fn path_variables(&self) -> impl Iterator<Item = &str> {
        let placeholders = self.0.iter().flat_map(|(_, text)| text.placeholders());
        placeholders.filter_map(|placeholder| match placeholder {
            Placeholder::Path(name) => Some(name.as_str()),
            _ => None,
        })
    }

    fn entries(
        &self,
        request: &Request,
        captures: &Captures,
    ) -> impl Iterator<Item = (String, Option<String>)> {
        self.0.iter().map(move |(key, text)| {
            let value = text.expand(|placeholder| match placeholder {
                Placeholder::Path(name) => {
                    let found = captures.iter().find(|(found, _)| found == name);
                    found.map(|(_, value)| value.as_slice().into())
                }
                placeholder => placeholder.of_request(request),
            });
            let value = value.and_then(|value| String::from_utf8(value).ok());
            (key.clone(), value.filter(|value| !value.is_empty()))
        })
    }
}

impl Policy {
    /// Returns the rate-limit service.
    #[must_use]
    pub const fn service(&self) -> Option<&ServiceSpec> {
        self.service.as_ref()
    }

    /// Returns the descriptor of a request for a limit.
    pub(super) fn describe(
        &self,
        limit: &Limit,
        request: &Request,
        captures: &Captures,
    ) -> Described {
        let entries: Vec<(String, Option<String>)> = match &limit.descriptor {
            Some(spec) => spec.entries(request, captures).collect(),
            None => {
                let name = ("limit".to_owned(), Some(limit.name.clone()));
                let components = limit.key.entries(request, captures);
                std::iter::once(name).chain(components).collect()
            }
        };
        if entries.iter().any(|(_, value)| value.is_none()) {
            match limit.on_missing_key {
                MissingKeyConfig::Share => {}
                MissingKeyConfig::Skip => return Described::Skipped,
                MissingKeyConfig::Deny => return Described::Denied,
            }
        }
        let entries = entries.into_iter();
        let entries =
            entries.map(|(key, value)| (key, value.unwrap_or_else(|| MISSING.to_owned())));
        let sends_limit = self.service.as_ref().is_some_and(|service| service.sends_limit);
        let limit = match &limit.kind {
            LimitKind::Rate(spec) if sends_limit => {
                // The service counts for all replicas.
                let requests = spec.requests_for(request);
                service::Unit::from_duration(spec.per).map(|unit| service::Rate {
                    requests_per_unit: u32::try_from(requests).unwrap_or(u32::MAX),
                    unit,
                })
            }
            LimitKind::Rate(_) | LimitKind::Concurrent(_) => None,
        };
        Described::Descriptor(Descriptor { entries: entries.collect(), limit })
    }
}

/// Returns the hash of a descriptor under the secret of the pod.
pub(super) fn hash(descriptor: &Descriptor, secret: Secret) -> u64 {
    let mut hasher = SipHasher13::new_with_key(&secret.0);
    descriptor.entries.hash(&mut hasher);
    hasher.finish()
}
