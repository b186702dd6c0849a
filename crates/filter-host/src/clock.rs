//! The proxy's wall clock, and the tick that wakes a plugin.

use std::time::{Duration, SystemTime};

use crate::hostcalls::{self, Result};

/// Returns the proxy's wall clock time.
///
/// # Errors
///
/// Fails if the proxy has no clock; Envoy always has one.
pub fn now() -> Result<SystemTime> {
    hostcalls::now().map(|since_epoch| {
        SystemTime::UNIX_EPOCH.checked_add(since_epoch).unwrap_or(SystemTime::UNIX_EPOCH)
    })
}

/// Requests a tick every `period`, in whole milliseconds.
///
/// A running tick wakes the worker each time: call [`stop_ticking`] when nothing waits.
/// Envoy's event loop reads a coarse clock, so a tick is never finer than one kernel jiffy.
///
/// # Errors
///
/// Fails without a configured plugin.
pub fn tick_every(period: Duration) -> Result<()> {
    hostcalls::set_tick_period(period)
}

/// Stops the tick.
///
/// # Errors
///
/// Fails like [`tick_every`].
pub fn stop_ticking() -> Result<()> {
    hostcalls::set_tick_period(Duration::ZERO)
}
