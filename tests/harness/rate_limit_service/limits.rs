//! Limits and their configuration for the real services.

use std::time::Duration;

use ::limitador::limit;
use anyhow::Result;
use serde_json::{Map, Value, json};

use super::LimitOverride;

/// The limits of one domain.
#[derive(Clone, Debug)]
pub struct Limits {
    domain: String,
    limits: Vec<Limit>,
}

/// A limit for descriptors with certain entries.
///
/// envoyproxy/ratelimit applies it to a descriptor with exactly these entries in this order, and
/// Limitador to a request whose first descriptor has at least these entries.
#[derive(Clone, Debug)]
pub struct Limit {
    entries: Vec<Matcher>,
    requests: u32,
    unit: Unit,
}

/// An entry of matching descriptors. Without a value, each value has its own count.
#[derive(Clone, Debug, PartialEq)]
struct Matcher {
    key: String,
    value: Option<String>,
}

/// A unit of time, with its number in the protocol.
///
/// A window of envoyproxy/ratelimit begins at a multiple of the unit since the Unix epoch, and one of
/// Limitador at the first hit. A month has 30 days, a year has 365.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Unit {
    /// One second.
    Second = 1,
    /// 60 seconds.
    Minute = 2,
    /// 60 minutes.
    Hour = 3,
    /// 24 hours.
    Day = 4,
    /// 30 days.
    Month = 5,
    /// 365 days.
    Year = 6,
    /// 7 days.
    Week = 7,
}

impl Unit {
    /// Returns the length of the unit.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => 30 * 86_400,
            Self::Year => 365 * 86_400,
        })
    }

    /// Returns a limit for a descriptor, in place of the configured one.
    pub const fn limit(self, requests: u32) -> LimitOverride {
        LimitOverride { requests_per_unit: requests, unit: self as i32 }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

impl Limits {
    /// Creates a domain without limits.
    pub fn new(domain: &str) -> Self {
        Self { domain: domain.to_owned(), limits: Vec::new() }
    }

    /// Adds a limit. Each limit of a domain must have different entries.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limits.push(limit);
        self
    }

    /// Returns the configuration of envoyproxy/ratelimit as JSON, which is valid YAML.
    pub(super) fn ratelimit(&self) -> Value {
        let all: Vec<_> =
            self.limits.iter().map(|limit| (limit.entries.as_slice(), limit)).collect();
        json!({"domain": self.domain, "descriptors": descriptors(&all)})
    }

    /// Returns the limits of Limitador.
    pub(super) fn limitador(&self) -> Result<Vec<limit::Limit>> {
        self.limits.iter().map(|limit| limit.limitador(&self.domain)).collect()
    }
}

impl Limit {
    /// Creates a limit for the descriptor without entries.
    pub fn new(requests: u32, unit: Unit) -> Self {
        Self { entries: Vec::new(), requests, unit }
    }

    /// Adds an entry with this key and value.
    pub fn entry(mut self, key: &str, value: &str) -> Self {
        self.entries.push(Matcher { key: key.to_owned(), value: Some(value.to_owned()) });
        self
    }

    /// Adds an entry with this key and any value. Each value has its own count.
    pub fn any(mut self, key: &str) -> Self {
        self.entries.push(Matcher { key: key.to_owned(), value: None });
        self
    }

    fn limitador(&self, domain: &str) -> Result<limit::Limit> {
        let (mut conditions, mut variables) = (Vec::new(), Vec::new());
        for Matcher { key, value } in &self.entries {
            // JSON strings are also CEL strings.
            let field = format!("descriptors[0][{}]", json!(key));
            match value {
                Some(value) => {
                    conditions.push(format!("{field} == {}", json!(value)).as_str().try_into()?)
                }
                None => variables.push(field.try_into()?),
            }
        }
        let (requests, seconds) = (u64::from(self.requests), self.unit.duration().as_secs());
        Ok(limit::Limit::new(domain, requests, seconds, conditions, variables))
    }
}

/// Returns the tree of descriptors: limits whose entries begin in the same way share its branches.
fn descriptors(limits: &[(&[Matcher], &Limit)]) -> Vec<Value> {
    let mut firsts: Vec<&Matcher> = Vec::new();
    for first in limits.iter().filter_map(|(entries, _)| entries.first()) {
        if !firsts.contains(&first) {
            firsts.push(first);
        }
    }
    firsts.into_iter().map(|first| descriptor(first, limits)).collect()
}

fn descriptor(first: &Matcher, limits: &[(&[Matcher], &Limit)]) -> Value {
    let mut node = Map::from_iter([("key".to_owned(), json!(first.key))]);
    node.extend(first.value.as_ref().map(|value| ("value".to_owned(), json!(value))));
    let begin = limits.iter().filter(|(entries, _)| entries.first() == Some(first));
    let below: Vec<_> =
        begin.map(|(entries, limit)| (entries.get(1..).unwrap_or_default(), *limit)).collect();
    if let Some((_, limit)) = below.iter().find(|(entries, _)| entries.is_empty()) {
        let rate = json!({"unit": limit.unit.name(), "requests_per_unit": limit.requests});
        node.insert("rate_limit".to_owned(), rate);
    }
    node.insert("descriptors".to_owned(), descriptors(&below).into());
    node.into()
}
