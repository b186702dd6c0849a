//! Warnings about the configuration in this proxy.

use filter_host::{Setup, clock, request};

use crate::Policies;

/// Logs all warnings about the configuration.
pub(super) fn log(policies: &Policies, setup: &Setup) {
    policies.warnings().iter().for_each(|warning| setup.warn(warning));
    if !policies.sidecar_warnings().is_empty() && request::is_sidecar() {
        policies.sidecar_warnings().iter().for_each(|warning| setup.warn(warning));
    }
    // A failed clock only suppresses these warnings.
    if policies.has_ends()
        && let Ok(now) = clock::now()
    {
        policies.expired_warnings(now).for_each(|warning| setup.warn(warning));
    }
}
