//! Fields of a DestinationRule's `consistentHash` that are about hosts.

use serde::{Deserializer, de::Deserialize, de::Error, de::IgnoredAny};

pub(super) fn chooses_hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    // Read first, so that the error is placed at this field.
    IgnoredAny::deserialize(deserializer)?;
    Err(D::Error::custom("must not be given, it chooses hosts: it stays in the DestinationRule"))
}
