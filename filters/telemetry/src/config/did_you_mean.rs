//! Rejects common misspellings and misplaced fields with a message that names the right form.

use filter_core::misplaced::refuse;
use serde::Deserializer;

pub(super) fn tracing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must be written tracing")
}

pub(super) fn access_logging<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must be written accessLogging")
}

pub(super) fn extension_providers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(), D::Error> {
    refuse(deserializer, "must be written extensionProviders")
}

pub(super) fn sample_rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must be written sampleRate")
}

pub(super) fn providers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must be written providers")
}

pub(super) fn custom_tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must be written customTags")
}

pub(super) fn percentage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must be written randomSamplingPercentage")
}

pub(super) fn in_match<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs in match")
}

pub(super) fn in_override<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs in an entry of overrides")
}

/// Rejects the fields next to `spec` in a Kubernetes resource.
pub(super) fn envelope<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: only the fields of spec belong here")
}

/// Rejects `spec` and `meshConfig`, whose fields belong at the top level.
pub(super) fn wrapper<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: its fields belong here")
}

pub(super) fn default_providers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: name the providers in each entry")
}

pub(super) fn log_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: a line is one JSON object, use fields to change it")
}

pub(super) fn authorization<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it is not a telemetry provider, remove its entry")
}
