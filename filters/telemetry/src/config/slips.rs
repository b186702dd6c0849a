//! Names that are nearly right, refused with the right one.

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

fn refuse<'de, D: Deserializer<'de>>(deserializer: D, cure: &str) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Err(D::Error::custom(cure))
}
