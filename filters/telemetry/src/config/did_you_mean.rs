//! Names that are nearly right, and fields that stand in the wrong place, refused with a word on
//! what to write.

use serde::{
    Deserializer,
    de::{Deserialize, Error, IgnoredAny},
};

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
    refuse(deserializer, "must stand in match")
}

pub(super) fn in_override<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must stand in an entry of overrides")
}

pub(super) fn envelope<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given, only what stands in spec belongs here")
}

pub(super) fn wrapper<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given, what stands in it belongs here")
}

pub(super) fn default_providers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given, an entry names its own providers")
}

pub(super) fn log_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given, a line is one JSON object: change its fields")
}

pub(super) fn authorization<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given, it is no telemetry: leave its entry out")
}

pub(super) fn refuse<'de, D: Deserializer<'de>>(
    deserializer: D,
    hint: &str,
) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Err(D::Error::custom(hint))
}
