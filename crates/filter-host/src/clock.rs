//! The proxy's wall clock and the timer of a plugin.

use std::time::{Duration, SystemTime};

use crate::hostcalls::{self, Result};

/// Returns the current time of the proxy.
///
/// # Errors
///
/// Fails if the proxy has no clock; never in Envoy.
pub fn now() -> Result<SystemTime> {
    hostcalls::now().map(|since_epoch| {
        SystemTime::UNIX_EPOCH.checked_add(since_epoch).unwrap_or(SystemTime::UNIX_EPOCH)
    })
}

/// Starts the timer with this period, in whole milliseconds.
///
/// Each tick wakes the worker, so call [`stop_ticking`] if there is nothing to do. Envoy's event
/// loop uses a coarse clock, so the resolution is one kernel jiffy.
///
/// # Errors
///
/// Fails without an active plugin.
pub fn tick_every(period: Duration) -> Result<()> {
    hostcalls::set_tick_period(period)
}

/// Stops the timer.
///
/// # Errors
///
/// Fails like [`tick_every`].
pub fn stop_ticking() -> Result<()> {
    hostcalls::set_tick_period(Duration::ZERO)
}
