//! Weekly windows.

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::config::shown::Shown;

/// A time range on some days of the week, in local time. A range whose end is before its beginning
/// crosses midnight and belongs to the day on which it begins.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(try_from = "Document")]
#[schemars(with = "Document", extend("examples" = [
    {"days": ["MON", "FRI"], "from": "09:00", "to": "17:30"},
    {"from": "22:00", "to": "02:00"},
]))]
pub struct Window {
    /// `true` for each day of the window, beginning with Monday.
    days: [bool; 7],
    from: TimeOfDay,
    to: TimeOfDay,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[schemars(inline)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "days of the week")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A time of day, `00:00` to `23:59`.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(
    inline,
    with = "String",
    title = "time of day from 00:00 to 23:59",
    extend("pattern" = "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples" = ["09:00", "17:30"])
)]
pub struct TimeOfDay(u16);

/// An offset from UTC, `-14:00` to `+14:00`.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "String",
    title = "offset from -14:00 to +14:00",
    extend(
        "pattern" = r"^[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00)$",
        "examples" = ["+02:00", "-05:00"]
    )
)]
pub struct UtcOffset(i16);

/// A minute of the week.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct LocalTime {
    /// Days since Monday.
    day: usize,
    time: TimeOfDay,
}

impl Window {
    pub(super) fn contains(&self, local: LocalTime) -> bool {
        let has_day = |day: usize| self.days.get(day).copied().unwrap_or(false);
        let (today, yesterday) = (local.day, local.day.checked_sub(1).unwrap_or(6));
        if self.from < self.to {
            return has_day(today) && (self.from..self.to).contains(&local.time);
        }
        (has_day(today) && self.from <= local.time) || (has_day(yesterday) && local.time < self.to)
    }
}

impl UtcOffset {
    /// Returns the seconds by which the local time is ahead of UTC, negative if it is behind.
    #[must_use]
    pub fn seconds(self) -> i64 {
        i64::from(self.0).saturating_mul(60)
    }

    /// Returns the local day and time; times before 1970 are treated as 1970.
    pub(super) fn local(self, now: SystemTime) -> LocalTime {
        let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let minutes = i64::try_from(since_epoch.as_secs() / 60).unwrap_or(i64::MAX);
        let minutes = minutes.saturating_add(i64::from(self.0));
        // 1970-01-01 was a Thursday.
        let day = minutes.div_euclid(MINUTES_PER_DAY).saturating_add(3).rem_euclid(7);
        let time = u16::try_from(minutes.rem_euclid(MINUTES_PER_DAY)).unwrap_or_default();
        LocalTime { day: usize::try_from(day).unwrap_or_default(), time: TimeOfDay(time) }
    }
}

const MINUTES_PER_DAY: i64 = 24 * 60;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    /// Days on which the window begins. Default: every day.
    #[serde(default)]
    #[schemars(length(min = 1))]
    days: Option<Vec<Weekday>>,
    /// Beginning, included.
    from: TimeOfDay,
    /// End, excluded; on the next day if it is before `from`.
    to: TimeOfDay,
}

impl TryFrom<Document> for Window {
    type Error = &'static str;

    fn try_from(document: Document) -> Result<Self, &'static str> {
        let Document { days, from, to } = document;
        if from == to {
            return Err("must have from and to that differ");
        }
        let days = match days {
            None => [true; 7],
            Some(named) if named.is_empty() => {
                return Err("must name at least one day, or omit days");
            }
            Some(named) => WEEK.map(|day| named.contains(&day)),
        };
        Ok(Self { days, from, to })
    }
}

const WEEK: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

/// Parses `hh:mm` as minutes.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then(|| hours.saturating_mul(60).saturating_add(minutes))
}

fn offset(text: &str) -> Option<i16> {
    let (sign, rest) = text.split_at_checked(1)?;
    let minutes = i16::try_from(minutes(rest)?).ok().filter(|minutes| *minutes <= 14 * 60)?;
    match sign {
        "+" => Some(minutes),
        "-" => minutes.checked_neg(),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        value.as_str().and_then(minutes).map(Self).ok_or_else(|| {
            D::Error::custom(format_args!(
                "must be a time of day from 00:00 to 23:59, {}",
                Shown(&value)
            ))
        })
    }
}

impl<'de> Deserialize<'de> for UtcOffset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        value.as_str().and_then(offset).map(Self).ok_or_else(|| {
            D::Error::custom(format_args!(
                "must be an offset such as +02:00, at most 14:00, {}",
                Shown(&value)
            ))
        })
    }
}
