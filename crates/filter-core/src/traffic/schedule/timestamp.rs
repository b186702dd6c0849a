//! Instants in RFC 3339 format.

use std::{
    str::FromStr,
    time::{Duration, SystemTime},
};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::config::shown::Shown;

/// An instant in RFC 3339 format, not before 1970, such as `2026-12-01T18:00:00Z`.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    with = "String",
    title = "instant, such as 2026-12-01T18:00:00Z",
    extend(
        "pattern" = "^[0-9]{4}-[0-9]{2}-[0-9]{2}.[0-9]{2}:[0-9]{2}:[0-9]{2}",
        "examples" = ["2026-12-01T18:00:00Z", "2026-12-01T19:00:00+01:00"]
    )
)]
pub struct Timestamp(SystemTime);

/// Error for a text that is not an instant.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be an instant such as 2026-12-01T18:00:00Z")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// Returns the instant.
    #[must_use]
    pub const fn get(self) -> SystemTime {
        self.0
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let instant = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        let nanos = u64::try_from(instant.unix_timestamp_nanos()).map_err(|_| InvalidTimestamp)?;
        let instant = SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(nanos));
        instant.map(Self).ok_or(InvalidTimestamp)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = value.as_str().ok_or(InvalidTimestamp);
        text.and_then(str::parse)
            .map_err(|rule| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
    }
}
