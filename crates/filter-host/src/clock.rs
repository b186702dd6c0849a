//! The clocks of the proxy.

use std::time::{Duration, SystemTime};

use crate::{host_error::Result, sys};

/// Returns the current time of the proxy.
///
/// # Errors
///
/// Fails if the proxy has no clock; never in Envoy.
pub fn now() -> Result<SystemTime> {
    sys::now().map(|since_epoch| {
        SystemTime::UNIX_EPOCH.checked_add(since_epoch).unwrap_or(SystemTime::UNIX_EPOCH)
    })
}

/// Returns the monotonic time since an arbitrary start.
///
/// Costs a third of [`now`].
#[must_use]
pub fn monotonic() -> Duration {
    // Only the wall clock of a proxy can be missing.
    sys::monotonic().unwrap_or_default()
}

/// Returns the time since 1970; zero before.
///
/// # Errors
///
/// Fails if the proxy does.
pub fn since_1970() -> Result<Duration> {
    Ok(now()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
