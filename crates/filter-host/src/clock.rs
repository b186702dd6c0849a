//! The proxy's wall clock, and the tick that wakes a plugin.

use std::time::{Duration, SystemTime};

use crate::hostcalls::{self, Result};

/// Returns the time of day as the proxy sees it.
///
/// # Errors
///
/// Fails when the proxy has no clock to give, which Envoy never does.
pub fn now() -> Result<SystemTime> {
    hostcalls::now().map(|since_epoch| {
        SystemTime::UNIX_EPOCH.checked_add(since_epoch).unwrap_or(SystemTime::UNIX_EPOCH)
    })
}

/// Asks for a tick every `period`, in whole milliseconds.
///
/// A running tick wakes the worker each time: call [`stop_ticking`] when nothing waits.
/// Envoy's event loop reads a coarse clock, so a tick is never finer than one kernel jiffy.
///
/// # Errors
///
/// Fails where no plugin is in force to be woken.
pub fn tick_every(period: Duration) -> Result<()> {
    hostcalls::set_tick_period(period)
}

/// Asks for no further tick.
///
/// # Errors
///
/// Fails as [`tick_every`] does.
pub fn stop_ticking() -> Result<()> {
    hostcalls::set_tick_period(Duration::ZERO)
}
