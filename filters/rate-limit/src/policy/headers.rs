//! Response headers that describe the limits of a request.
//!
//! `RateLimit-Policy` and `RateLimit` follow draft-ietf-httpapi-ratelimit-headers-11; the
//! `x-ratelimit` headers are those of Envoy.

use std::{fmt::Write, time::Duration};

use filter_core::{HeaderName, Request};

use super::{LimitKind, Plan, PlannedDraw, Policy};
use crate::config::{EXPLAIN, HeadersConfig};

/// The state of a limit that applies to a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Usage {
    /// The draw.
    pub draw: PlannedDraw,
    /// Whole units that are left.
    pub remaining: u64,
    /// Time until units are available again.
    pub reset: Duration,
    /// `true` if the request is over the limit.
    pub is_over: bool,
}

impl Usage {
    /// Returns `true` if the request is within the limit, and leaves less than a fifth of its
    /// burst.
    #[must_use]
    pub const fn is_near_limit(&self) -> bool {
        let usable = self.draw.burst.saturating_sub(self.draw.amount.reserve);
        !self.is_over && self.remaining.saturating_mul(5) < usable
    }
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The time until a unit of a limit on concurrent requests is available.
const UNKNOWN_RESET: Duration = Duration::from_secs(1);

/// Headers to set, by name.
pub(super) type HeaderList = Vec<(HeaderName, Vec<u8>)>;

impl Policy {
    /// Returns `true` if responses to admitted requests list the limits.
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
            headers.push((X_LIMIT, number(tightest.draw.burst)));
            headers.push((X_REMAINING, number(tightest.remaining)));
            let is_available = tightest.remaining > 0;
            // The end of a concurrent request is unknown.
            let is_known = tightest.reset != Duration::MAX;
            let reset = if is_available { Duration::ZERO } else { tightest.reset };
            let reset = if is_known { reset } else { reset.min(UNKNOWN_RESET) };
            headers.push((X_RESET, number(seconds(reset))));
        }
        headers
    }

    fn name(&self, draw: &PlannedDraw) -> &str {
        self.limits.get(draw.limit).map_or("", |limit| &limit.name)
    }

    /// Writes an item such as `"user";q=600;w=60`.
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
        let with_key = |mut item: String, draw: &PlannedDraw| {
            if let Some(sources) = self.key_sources(draw, request) {
                let _ = write!(item, ";key={sources}");
            }
            item
        };
        let item = |usage: &Usage| {
            let name = self.name(&usage.draw);
            let mut item = format!("limit={name};remaining={}", usage.remaining);
            if usage.draw.rate.is_some() && usage.reset != Duration::MAX {
                let _ = write!(item, ";reset={}", seconds(usage.reset));
            }
            with_key(item, &usage.draw)
        };
        let is_counted_here =
            |draw: &PlannedDraw| usages.iter().any(|usage| usage.draw.rule == draw.rule);
        // Only the rate-limit service knows the remaining units.
        let others = plan.global.iter().map(|global| &global.draw);
        let others = others.filter(|draw| !is_counted_here(draw));
        let others = others.map(|draw| with_key(format!("limit={}", self.name(draw)), draw));
        let items: Vec<_> = usages.iter().map(item).chain(others).collect();
        if items.is_empty() { "none".to_owned() } else { items.join(", ") }
    }

    fn key_sources(&self, draw: &PlannedDraw, request: &Request) -> Option<String> {
        let limit = self.limits.get(draw.limit).filter(|limit| limit.is_keyed())?;
        // A limit that applies has found the variables of the path.
        let entry = self.entries.iter().position(|entry| entry.rules.contains(&draw.rule));
        let captures = entry.map(|entry| self.matcher.captures_in_all_readings(entry, request));
        Some(limit.key.sources(request, &captures.unwrap_or_default()))
    }
}

/// Returns a time in whole seconds, rounded up.
pub(super) fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// Returns a quota scaled to a window of whole seconds, the unit of the header.
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

    use filter_core::Headers;
    use serde_json::json;

    use super::*;
    use crate::policy::{Denial, Inputs, Refusal};

    /// Returns the policy of a limit, and its draw for a request.
    fn policy(mut limit: serde_json::Value) -> (Policy, PlannedDraw) {
        limit["name"] = json!("all");
        let document = json!({"limits": [limit], "xRatelimitHeaders": true});
        let policy = Policy::new(&serde_json::from_value(document).unwrap()).unwrap();
        let now = std::time::SystemTime::UNIX_EPOCH;
        let inputs = Inputs { secret: crate::Secret::default(), now, draw: 0 };
        let plan = policy.plan(&Request::default(), &inputs);
        (policy, plan.draws[0])
    }

    #[test]
    fn near_the_limit_is_a_fifth_of_the_burst() {
        for (limit, far, near) in [
            (json!({"requests": 600, "per": "60s", "burst": 60}), 12, 11),
            (json!({"requests": 10, "per": "60s"}), 2, 1),
            (json!({"requests": 10, "per": "60s", "reserve": {"value": 50}}), 1, 0),
            (json!({"requests": 10, "per": "60s", "window": "SLIDING"}), 2, 1),
            (json!({"concurrent": 20}), 4, 3),
        ] {
            let (_, draw) = policy(limit);
            let is_near = |remaining, is_over| {
                Usage { draw, remaining, reset: Duration::ZERO, is_over }.is_near_limit()
            };
            assert!(!is_near(far, false) && is_near(near, false), "{draw:?}");
            assert!(!is_near(0, true), "{draw:?}");
        }
    }

    #[test]
    fn x_ratelimit_limit_is_the_depth_of_the_bucket() {
        for (limit, depth) in [
            (
                json!({"tokenBucket": {"maxTokens": 100, "tokensPerFill": 10, "fillInterval": "1s"}}),
                "100",
            ),
            (json!({"requests": 600, "per": "60s", "burst": 60, "replicas": 4}), "15"),
            (json!({"requests": 600, "per": "60s", "window": "FIXED"}), "600"),
            (json!({"concurrent": 20}), "20"),
        ] {
            let (policy, draw) = policy(limit);
            let refusals = vec![Refusal { rule: 0, retry_after: Duration::from_secs(3) }];
            let reset = Duration::from_secs(3);
            let usages = vec![Usage { draw, remaining: 0, reset, is_over: true }];
            let denial = Denial { refusals, usages, ..Denial::default() };
            let reply = policy.reply(&denial, &Headers::default()).unwrap();
            let found = reply.headers.iter().find(|(name, _)| *name == X_LIMIT);
            assert_eq!(found.unwrap().1, depth.as_bytes());
        }
    }
}
