//! The health of the service.

use std::time::Duration;

/// Consecutive failures after which the service is down.
const MAX_FAILURES: u32 = 3;
const INITIAL_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// Time after which a probe without a result is abandoned for the next one.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// A circuit breaker: after three failures in a row the service is down and only probed.
///
/// The pause before a probe is 1 s, and doubles up to 30 s with each failed probe. Times are
/// readings of a monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Health {
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Calls are made; counts the failures in a row.
    Up { failures: u32 },
    /// No call is made before `until`.
    Paused { pause: Duration, until: Duration },
    /// One call is in flight since the pause; another one may follow at `until`.
    Probing { pause: Duration, until: Duration },
}

impl Default for State {
    fn default() -> Self {
        Self::Up { failures: 0 }
    }
}

impl Health {
    /// Returns `true` if the service may be called now; the caller then must call it.
    ///
    /// While the service is down, this starts a probe.
    pub fn may_ask(&mut self, now: Duration) -> bool {
        match self.state {
            State::Up { .. } => true,
            State::Paused { until, .. } | State::Probing { until, .. } if now < until => false,
            State::Paused { pause, .. } | State::Probing { pause, .. } => {
                self.state = State::Probing { pause, until: now.saturating_add(PROBE_TIMEOUT) };
                true
            }
        }
    }

    /// Records an answer; returns `true` if the service was down.
    pub fn succeeded(&mut self) -> bool {
        let was_down = self.is_down();
        self.state = State::default();
        was_down
    }

    /// Records a failed call; returns `true` if it takes the service down.
    ///
    /// Failures of calls that were in flight when the pause began do not lengthen it.
    pub fn failed(&mut self, now: Duration) -> bool {
        let (pause, is_first) = match self.state {
            State::Up { failures } if failures.saturating_add(1) < MAX_FAILURES => {
                self.state = State::Up { failures: failures.saturating_add(1) };
                return false;
            }
            State::Up { .. } => (INITIAL_PAUSE, true),
            State::Paused { .. } => return false,
            State::Probing { pause, .. } => (pause.saturating_mul(2).min(MAX_PAUSE), false),
        };
        self.state = State::Paused { pause, until: now.saturating_add(pause) };
        is_first
    }

    /// Returns `true` if the service is down.
    #[must_use]
    pub const fn is_down(&self) -> bool {
        !matches!(self.state, State::Up { .. })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MILLI: Duration = Duration::from_millis(1);

    fn down(now: Duration) -> Health {
        let mut health = Health::default();
        assert_eq!([0; 3].map(|_| health.failed(now)), [false, false, true]);
        health
    }

    #[test]
    fn pauses_after_three_failures_in_a_row() {
        let mut health = Health::default();
        for _ in 0..10 {
            assert!(!health.failed(SECOND));
            assert!(!health.failed(SECOND));
            assert!(health.may_ask(SECOND));
            assert!(!health.succeeded());
        }
        let mut health = down(SECOND);
        assert!(health.is_down());
        assert!(!health.may_ask(SECOND * 2 - MILLI));
        assert!(health.may_ask(SECOND * 2));
        assert!(!health.may_ask(SECOND * 2), "one probe");
    }

    #[test]
    fn doubles_the_pause_to_30_seconds() {
        let mut now = SECOND;
        let mut health = down(now);
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            assert!(!health.may_ask(now + SECOND * seconds - MILLI));
            now += SECOND * seconds;
            assert!(health.may_ask(now), "{seconds}");
            assert!(!health.failed(now));
        }
    }

    #[test]
    fn a_success_resets() {
        let mut health = down(SECOND);
        assert!(health.may_ask(SECOND * 2));
        assert!(health.succeeded());
        assert!(!health.is_down());
        assert!(health.may_ask(SECOND * 2));
        assert!(!health.failed(SECOND * 2));
    }

    #[test]
    fn late_failures_do_not_lengthen_the_pause() {
        let mut health = down(SECOND);
        for _ in 0..5 {
            assert!(!health.failed(SECOND + MILLI));
        }
        assert!(health.may_ask(SECOND * 2));
    }

    #[test]
    fn a_lost_probe_makes_way_for_another() {
        let mut health = down(SECOND);
        assert!(health.may_ask(SECOND * 2));
        assert!(!health.may_ask(SECOND * 32 - MILLI));
        assert!(health.may_ask(SECOND * 32));
        assert!(!health.may_ask(SECOND * 33));
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        /// A service that fails throughout gets one call per pause, and one that recovers gets all.
        #[test]
        fn asks_a_dead_service_once_per_pause(
            gaps in proptest::collection::vec(0u64..5_000, 1..500),
            recovers_ms in 0u64..300_000,
        ) {
            let (mut health, mut now) = (Health::default(), SECOND);
            let recovers = Duration::from_millis(recovers_ms);
            let mut last_call: Option<Duration> = None;
            let (mut failures, mut is_alive) = (0, false);
            for gap in gaps {
                now += Duration::from_millis(gap);
                let may_ask = health.may_ask(now);
                proptest::prop_assert!(may_ask || !is_alive);
                if let (Some(last), 3..) = (last_call, failures) {
                    let pause = SECOND.mul_f64(f64::powi(2.0, failures - 3)).min(MAX_PAUSE);
                    proptest::prop_assert_eq!(may_ask, is_alive || now >= last + pause);
                }
                if !may_ask {
                    continue;
                }
                last_call = Some(now);
                is_alive = now >= recovers;
                if is_alive {
                    proptest::prop_assert_eq!(health.succeeded(), failures >= 3);
                    failures = 0;
                } else {
                    failures += 1;
                    proptest::prop_assert_eq!(health.failed(now), failures == 3);
                }
                proptest::prop_assert_eq!(health.is_down(), failures >= 3);
            }
        }
    }
}
