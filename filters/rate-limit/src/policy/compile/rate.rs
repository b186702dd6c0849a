//! Compilation of a rate.

use std::time::Duration;

use filter_core::{ConfigErrors, DurationWithin, Request, UtcOffset};

use crate::{
    config::{LimitConfig, MAX_UNITS, RequestsFrom, WindowConfig},
    policy::cost::units,
    rate::Rate,
    windows::{FixedWindow, SlidingWindow, TokenBucket},
};

/// The reasons for which the rules of a limit can overdraw it.
#[derive(Clone, Copy, Default)]
pub(super) struct Overdraft {
    /// The longest `wait`.
    pub(super) wait: Duration,
    /// `true` if units are taken at the response.
    pub(super) is_charged: bool,
}

/// A compiled rate.
#[derive(Clone, Debug)]
pub(in crate::policy) struct RateSpec {
    /// The window with the numbers of the configuration.
    pub(in crate::policy) rate: Rate,
    /// Units in `per`, of all replicas together.
    requests: u64,
    /// Time in which the units become available.
    pub(in crate::policy) per: Duration,
    numbers: Numbers,
    from: Option<RequestsFrom>,
}

/// The numbers of a window.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    window: WindowConfig,
    per: Duration,
    /// Configured capacity of a bucket; `None` if it is that of the window.
    burst: Option<u64>,
    /// Time from 1970 to the first boundary.
    offset: Duration,
    /// Time in which the overdrawn units become available.
    overdraft: Duration,
    replicas: u64,
}

impl RateSpec {
    pub(super) fn compile(
        config: &LimitConfig,
        path: &str,
        overdraft: Overdraft,
        errors: &mut ConfigErrors,
    ) -> Self {
        let (requests, per, burst) = match config.token_bucket {
            Some(bucket) => (
                bucket.tokens_per_fill.map_or(1, |units| units.get()),
                bucket.fill_interval.get(),
                Some(bucket.max_tokens.get()),
            ),
            None => (
                config.requests.map_or(1, |units| units.get()),
                config.per.map_or(Duration::from_secs(1), DurationWithin::get),
                config.burst.map(|units| units.get()),
            ),
        };
        let offset =
            config.utc_offset.map(|offset| first_boundary(offset, per)).unwrap_or_default();
        let numbers = Numbers {
            window: config.window,
            per,
            burst,
            offset,
            overdraft: overdraft.wait.max(if overdraft.is_charged { per } else { Duration::ZERO }),
            replicas: config.replicas.map_or(1, |pods| pods.get()),
        };
        let max =
            config.requests_from.as_ref().map(|from| from.max.map_or(MAX_UNITS, |max| max.get()));
        if let Some(from) = &config.requests_from
            && let Some(default) = from.default.map(|default| default.get())
            && max.is_some_and(|max| default > max)
        {
            errors.add(
                format_args!("{path}.requestsFrom.default"),
                format_args!("must be at most max, got {default}"),
            );
        }
        for units in [Some(requests), max].into_iter().flatten() {
            if numbers.window(units).is_none() {
                errors.add(path, "must fill an empty bucket within 366 days");
                break;
            }
        }
        Self {
            // An invalid bucket is reported above.
            rate: numbers.window(requests).unwrap_or(Rate::Sliding(SlidingWindow::new(1, per))),
            requests,
            per,
            numbers,
            from: config.requests_from.clone(),
        }
    }

    pub(super) const fn reads_claims(&self) -> bool {
        self.from.is_some()
    }

    /// Returns the units that are available at most if the limit admits `requests` in `per`.
    pub(in crate::policy) fn burst_for(&self, requests: u64) -> u64 {
        self.numbers.burst.map_or(requests, |burst| self.numbers.divided(burst))
    }

    /// Returns the window and the units in `per` for a request, divided by the replicas.
    pub(in crate::policy) fn for_request(&self, request: &Request) -> (Rate, u64) {
        let requests = self.requests_for(request);
        if requests == self.requests {
            return (self.rate, self.numbers.divided(requests));
        }
        match self.numbers.window(requests) {
            Some(rate) => (rate.for_counts_of(&self.rate), self.numbers.divided(requests)),
            None => (self.rate, self.numbers.divided(self.requests)),
        }
    }

    /// Returns the units in `per` for a request, of all replicas together.
    pub(in crate::policy) fn requests_for(&self, request: &Request) -> u64 {
        let Some(from) = &self.from else { return self.requests };
        let claims = request.claims.as_ref();
        let claim = claims.and_then(|claims| from.claim.find_scalar(claims));
        let number = claim.and_then(|claim| units(&claim));
        let max = from.max.map_or(MAX_UNITS, |max| max.get());
        let number = number.or_else(|| from.default.map(|default| default.get()));
        // A plan with 0 requests is not a plan without a limit.
        number.map_or(self.requests, |number| number.clamp(1, max))
    }
}

impl Numbers {
    fn divided(&self, units: u64) -> u64 {
        units.div_ceil(self.replicas.max(1))
    }

    fn depth(&self, requests: u64) -> u64 {
        self.divided(self.burst.unwrap_or(requests))
    }

    fn window(&self, requests: u64) -> Option<Rate> {
        let units = self.divided(requests);
        let limit = u32::try_from(units).unwrap_or(u32::MAX);
        Some(match self.window {
            WindowConfig::TokenBucket => {
                let bucket = TokenBucket::new(units, self.per, self.depth(requests)).ok()?;
                Rate::TokenBucket(bucket.with_overdraft(self.overdraft))
            }
            WindowConfig::Sliding => Rate::Sliding(SlidingWindow::new(limit, self.per)),
            WindowConfig::Fixed => Rate::Fixed(FixedWindow::new(limit, self.per, self.offset)),
        })
    }
}

/// Returns the time from 1970 to the first boundary of windows that begin at local midnight.
fn first_boundary(offset: UtcOffset, per: Duration) -> Duration {
    let nanos = i128::from(offset.seconds()).saturating_mul(1_000_000_000).saturating_neg();
    let per = i128::try_from(per.as_nanos()).unwrap_or(i128::MAX);
    let first = nanos.checked_rem_euclid(per).unwrap_or(0);
    Duration::from_nanos(u64::try_from(first).unwrap_or(0))
}
