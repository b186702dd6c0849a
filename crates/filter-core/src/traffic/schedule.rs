//! Schedules.

use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{DurationWithin, Percentage};

mod timestamp;
mod window;

pub use crate::traffic::schedule::{
    timestamp::{InvalidTimestamp, Timestamp},
    window::{TimeOfDay, UtcOffset, Weekday, Window},
};

/// The times at which something is active: between two instants, within weekly windows, with an
/// optional ramp-up.
///
/// `{}` is always active. A schedule depends only on the clock, so all proxies agree on it.
///
/// ```
/// use filter_core::{Percentage, Schedule, Timestamp};
///
/// let schedule: Schedule = serde_json::from_str(
///     r#"{"startsAt": "2026-12-01T09:00:00Z", "expiresAt": "2026-12-01T18:00:00Z", "rampUp": "2h"}"#,
/// )?;
/// let at = |text: &str| text.parse::<Timestamp>().map(Timestamp::get);
/// assert!(!schedule.is_active(at("2026-12-01T18:00:00Z")?));
/// assert_eq!(schedule.ramped(Percentage::ALL, at("2026-12-01T10:00:00Z")?).parts_per_million(), 500_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(try_from = "Document")]
#[schemars(with = "Document", extend("examples" = [
    {"startsAt": "2026-12-01T09:00:00Z", "expiresAt": "2026-12-01T18:00:00Z", "rampUp": "2h"},
    {"windows": [{"days": ["MON", "FRI"], "from": "09:00", "to": "17:30"}], "utcOffset": "+01:00"},
]))]
pub struct Schedule {
    starts_at: Option<SystemTime>,
    expires_at: Option<SystemTime>,
    windows: Vec<Window>,
    utc_offset: UtcOffset,
    ramp_up: Option<Duration>,
}

impl Schedule {
    /// Returns `true` if the schedule is always active and has no ramp-up.
    #[must_use]
    pub const fn is_always(&self) -> bool {
        self.starts_at.is_none()
            && self.expires_at.is_none()
            && self.windows.is_empty()
            && self.ramp_up.is_none()
    }

    /// Returns `true` if the schedule is active at `now`.
    #[must_use]
    pub fn is_active(&self, now: SystemTime) -> bool {
        let begun = self.starts_at.is_none_or(|start| start <= now);
        begun && !self.is_over(now) && self.is_in_a_window(now)
    }

    /// Returns `true` if the schedule has expired.
    #[must_use]
    pub fn is_over(&self, now: SystemTime) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Returns the instant at which the schedule expires.
    #[must_use]
    pub const fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    /// Returns the duration of the ramp-up.
    #[must_use]
    pub const fn ramp_up(&self) -> Option<Duration> {
        self.ramp_up
    }

    /// Returns the share reached at `now`: it grows linearly from 0 at the start to `share` at the
    /// end of the ramp-up.
    #[must_use]
    pub fn ramped(&self, share: Percentage, now: SystemTime) -> Percentage {
        let (Some(start), Some(ramp_up)) = (self.starts_at, self.ramp_up) else { return share };
        let elapsed = now.duration_since(start).unwrap_or_default().min(ramp_up);
        share.scaled(elapsed.as_millis(), ramp_up.as_millis())
    }

    fn is_in_a_window(&self, now: SystemTime) -> bool {
        self.windows.is_empty() || {
            let local = self.utc_offset.local(now);
            self.windows.iter().any(|window| window.contains(local))
        }
    }
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Document {
    /// Start, included. Default: no start.
    starts_at: Option<Timestamp>,
    /// End, excluded; must be after `startsAt`. Default: no end.
    expires_at: Option<Timestamp>,
    /// Weekly windows, one of which must contain the current time; at most 16. Default: all times.
    #[schemars(length(max = MAX_WINDOWS))]
    windows: Vec<Window>,
    /// Offset of the local time in `windows` from UTC. Default: UTC.
    utc_offset: UtcOffset,
    /// Time after `startsAt` during which shares grow linearly from 0 to their value. Requires
    /// `startsAt`. Default: no ramp-up.
    ramp_up: Option<DurationWithin<1_000, MONTH_MS>>,
}

const MONTH_MS: u64 = 30 * 24 * 3_600_000;
const MAX_WINDOWS: usize = 16;

impl TryFrom<Document> for Schedule {
    type Error = &'static str;

    fn try_from(document: Document) -> Result<Self, &'static str> {
        let starts_at = document.starts_at.map(Timestamp::get);
        let expires_at = document.expires_at.map(Timestamp::get);
        if starts_at.zip(expires_at).is_some_and(|(start, end)| end <= start) {
            return Err("must have expiresAt after startsAt");
        }
        if document.ramp_up.is_some() && starts_at.is_none() {
            return Err("must have startsAt if rampUp is given");
        }
        if document.windows.len() > MAX_WINDOWS {
            return Err("must have at most 16 windows");
        }
        Ok(Self {
            starts_at,
            expires_at,
            windows: document.windows,
            utc_offset: document.utc_offset,
            ramp_up: document.ramp_up.map(DurationWithin::get),
        })
    }
}

#[cfg(test)]
mod tests;
