//! Response headers that describe the limits of a request.
//!
//! `RateLimit-Policy` and `RateLimit` follow draft-ietf-httpapi-ratelimit-headers-11; the `x-ratelimit`
//! headers are those of Envoy.

use std::{fmt::Write, time::Duration};

use filter_core::{HeaderName, Request};

use super::{LimitKind, Plan, PlannedDraw, Policy};
use crate::config::{EXPLAIN, HeadersConfig};

/// A limit as a request met it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Usage {
    /// The draw.
    pub draw: PlannedDraw,
    /// Whole units that are left.
    pub remaining: u64,
    /// Time until units are available again.
    pub reset: Duration,
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Headers to set, by name.
pub(super) type HeaderList = Vec<(HeaderName, Vec<u8>)>;

impl Policy {
    /// Returns `true` if responses to admitted requests carry the limits.
    #[must_use]
    pub fn describes_admitted(&self) -> bool {
        self.headers == HeadersConfig::All
    }

    /// Returns the headers for the response to an admitted request.
    #[must_use]
    pub fn admitted_headers(&self, usages: &[Usage]) -> HeaderList {
        if self.describes_admitted() { self.limit_headers(usages) } else { Vec::new() }
    }

    /// Returns the headers for the reply to a refused request.
    pub(super) fn denied_headers(&self, usages: &[Usage]) -> HeaderList {
        if self.headers == HeadersConfig::None { Vec::new() } else { self.limit_headers(usages) }
    }

    fn limit_headers(&self, usages: &[Usage]) -> HeaderList {
        let Some(tightest) = usages.iter().min_by_key(|usage| usage.remaining) else {
            return Vec::new();
        };
        let (mut policies, mut states) = (String::new(), String::new());
        for (index, usage) in usages.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            policies.push_str(separator);
            states.push_str(separator);
            self.write_policy(&usage.draw, &mut policies);
            self.write_state(usage, &mut states);
        }
        let mut headers = vec![(POLICY, policies.into_bytes()), (STATE, states.into_bytes())];
        if self.has_x_ratelimit {
            let number = |number: u64| number.to_string().into_bytes();
            headers.push((X_LIMIT, number(self.most_at_once(&tightest.draw))));
            headers.push((X_REMAINING, number(tightest.remaining)));
            let is_available = tightest.remaining > 0;
            let reset = if is_available { Duration::ZERO } else { tightest.reset };
            headers.push((X_RESET, number(seconds(reset))));
        }
        headers
    }

    /// Returns the units that a limit admits at once, which Envoy reports as the limit.
    fn most_at_once(&self, draw: &PlannedDraw) -> u64 {
        self.limits.get(draw.limit).map_or(draw.quota, |limit| limit.burst(draw.quota))
    }

    fn name(&self, draw: &PlannedDraw) -> &str {
        self.limits.get(draw.limit).map_or("", |limit| &limit.name)
    }

    /// Writes an item such as `"user";q=600;w=60`. Writing to a string never fails.
    fn write_policy(&self, draw: &PlannedDraw, out: &mut String) {
        let name = self.name(draw);
        let Some(limit) = self.limits.get(draw.limit) else { return };
        let _ = match &limit.kind {
            LimitKind::Rate(spec) => {
                let (quota, window) = whole_seconds(draw.quota, spec.per);
                write!(out, "\"{name}\";q={quota};w={window}")
            }
            LimitKind::Concurrent(max) => {
                write!(out, "\"{name}\";q={max};qu=\"concurrent-requests\"")
            }
        };
    }

    /// Writes an item such as `"user";r=12;t=3`.
    fn write_state(&self, usage: &Usage, out: &mut String) {
        let name = self.name(&usage.draw);
        let _ = write!(out, "\"{name}\";r={}", usage.remaining);
        if usage.reset != Duration::MAX && usage.draw.rate.is_some() {
            let _ = write!(out, ";t={}", seconds(usage.reset));
        }
    }

    /// Returns `true` if the request may see an explanation and asks for it.
    #[must_use]
    pub fn explains(&self, request: &Request) -> bool {
        let asks = || request.headers.first(EXPLAIN) == Some(b"1");
        let is_allowed = |matcher: &filter_core::Matcher| matcher.sure_match(request).is_some();
        self.explain.as_ref().is_some_and(|matcher| asks() && is_allowed(matcher))
    }

    /// Returns the explanation for a header: limits, remaining units and sources of keys.
    #[must_use]
    pub fn explanation(&self, request: &Request, plan: &Plan, usages: &[Usage]) -> String {
        if plan.is_empty() {
            return "none".to_owned();
        }
        let item = |usage: &Usage| {
            let name = self.name(&usage.draw);
            let mut item = format!("limit={name};remaining={}", usage.remaining);
            if usage.draw.rate.is_some() && usage.reset != Duration::MAX {
                let _ = write!(item, ";reset={}", seconds(usage.reset));
            }
            if let Some(sources) = self.key_sources(&usage.draw, request) {
                let _ = write!(item, ";key={sources}");
            }
            item
        };
        usages.iter().map(item).collect::<Vec<_>>().join(", ")
    }

    fn key_sources(&self, draw: &PlannedDraw, request: &Request) -> Option<String> {
        let limit = self.limits.get(draw.limit).filter(|limit| limit.is_keyed())?;
        // Variables of the path were found if the limit holds.
        let entry = self.entries.iter().position(|entry| entry.rules.contains(&draw.rule));
        let captures = entry.map(|entry| self.matcher.captures(entry, request));
        Some(limit.key.sources(request, &captures.unwrap_or_default()))
    }
}

/// Returns a time in whole seconds, rounded up.
pub(super) fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// Returns a quota for a window of whole seconds, as the header has no shorter ones.
fn whole_seconds(quota: u64, per: Duration) -> (u64, u64) {
    if per.subsec_nanos() == 0 {
        return (quota, per.as_secs());
    }
    let window = seconds(per);
    let scaled = u128::from(quota).saturating_mul(u128::from(window)).saturating_mul(1_000_000_000);
    let quota = scaled.checked_div(per.as_nanos()).unwrap_or_default();
    (u64::try_from(quota).unwrap_or(u64::MAX), window)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use std::time::SystemTime;

    use serde_json::json;

    use super::*;
    use crate::{Config, Inputs, Secret};

    #[test]
    fn x_ratelimit_headers_are_those_of_envoy() {
        let bucket = json!({"maxTokens": 4, "tokensPerFill": 2, "fillInterval": "1s"});
        let config: Config = serde_json::from_value(json!({
            "limits": [{"name": "all", "tokenBucket": bucket}],
            "rateLimitHeaders": "ALL", "xRatelimitHeaders": true,
        }))
        .unwrap();
        let policy = Policy::new(&config).unwrap();
        let secret = Secret::default();
        let inputs = Inputs { secret, now: SystemTime::UNIX_EPOCH, draw: 0 };
        let plan = policy.plan(&Request::default(), &inputs);
        for (remaining, reset) in [(3, "0"), (1, "0"), (0, "2")] {
            let reset_in = Duration::from_millis(1_500);
            let usage = Usage { draw: plan.draws[0], remaining, reset: reset_in };
            let headers = policy.admitted_headers(&[usage]);
            let value = |name: &str| {
                let found = headers.iter().find(|(found, _)| found.as_str() == name);
                found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            };
            assert_eq!(value("x-ratelimit-limit").as_deref(), Some("4"));
            assert_eq!(value("x-ratelimit-remaining"), Some(remaining.to_string()));
            assert_eq!(value("x-ratelimit-reset").as_deref(), Some(reset), "{remaining} left");
        }
    }
}
