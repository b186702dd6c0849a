//! Limits that a rate-limit service counts.

use std::{
    hash::{Hash, Hasher},
    time::Duration,
};

use filter_core::{Captures, Needs, Placeholder, PlaceholderText, Request};
use siphasher::sip::SipHasher13;

use super::{Limit, LimitKind, PlannedDraw, Policy};
use crate::{
    config::{FailureMode, ServiceMode},
    key::{KeyStatus, Secret, Value, agreeing, header_values, only, path_variable},
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
    /// When the service is called.
    pub mode: ServiceMode,
    /// Maximum time for which a request waits.
    pub timeout: Duration,
    /// Maximum number of units that a worker buys with one call.
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

    /// Returns the entries with their values.
    fn entries(
        &self,
        request: &Request,
        captures: &Captures,
    ) -> impl Iterator<Item = (String, Result<String, KeyStatus>)> {
        self.0.iter().map(move |(key, text)| {
            // A value that cannot be sent does not lead around the limit.
            let mut status = KeyStatus::Ambiguous;
            let expanded = text.expand(|placeholder| match value(placeholder, request, captures) {
                Value::Found(value) => Some(value),
                Value::Ambiguous => None,
                Value::Missing => {
                    status = KeyStatus::Missing;
                    None
                }
            });
            let text = expanded.and_then(|bytes| String::from_utf8(bytes).ok());
            (key.clone(), text.ok_or(status))
        })
    }

    /// Returns the status of the key that the values form.
    pub(super) fn status(&self, request: &Request, captures: &Captures) -> KeyStatus {
        let mut failed = self.entries(request, captures).filter_map(|(_, value)| value.err());
        failed.next().unwrap_or(KeyStatus::Found)
    }
}

/// Returns the value of a placeholder.
fn value<'r>(placeholder: &Placeholder, request: &'r Request, captures: &'r Captures) -> Value<'r> {
    match placeholder {
        Placeholder::Request(name) => agreeing(header_values(&request.headers, name)),
        Placeholder::Path(name) => path_variable(captures, name),
        placeholder => only(placeholder.of_request(request)),
    }
}

impl Policy {
    /// Returns the rate-limit service.
    #[must_use]
    pub const fn service(&self) -> Option<&ServiceSpec> {
        self.service.as_ref()
    }

    /// Returns the descriptor of a request for a limit; a value that is missing is `missing`.
    pub(super) fn describe(
        &self,
        limit: &Limit,
        request: &Request,
        captures: &Captures,
    ) -> Descriptor {
        let entries: Vec<(String, Option<String>)> = match &limit.descriptor {
            Some(spec) => {
                let entries = spec.entries(request, captures);
                entries.map(|(key, value)| (key, value.ok())).collect()
            }
            None => {
                let name = ("limit".to_owned(), Some(limit.name.clone()));
                let components = limit.key.entries(request, captures);
                std::iter::once(name).chain(components).collect()
            }
        };
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
        Descriptor { entries: entries.collect(), limit }
    }
}

/// Returns the hash of a descriptor under the secret of the pod.
pub(super) fn hash(descriptor: &Descriptor, secret: Secret) -> u64 {
    let mut hasher = SipHasher13::new_with_key(&secret.0);
    descriptor.entries.hash(&mut hasher);
    // Different rates that are sent are different counts of the worker.
    descriptor.limit.map(|rate| rate.requests_per_unit).hash(&mut hasher);
    hasher.finish()
}
