//! Values that all workers of the proxy share.
//!
//! A value can't be deleted, and every plugin of the proxy can read it: keep the number of keys
//! fixed and never build one from a client's bytes.

use crate::hostcalls::{self, HostError, Result};

/// A shared value and the mark that [`replace`] compares.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Versioned {
    /// The value's bytes.
    pub value: Vec<u8>,
    mark: u32,
}

/// Reads a shared value, `None` where no worker has written one.
///
/// # Errors
///
/// Fails when the proxy cannot hand the value over.
pub fn read(key: &str) -> Result<Option<Versioned>> {
    match hostcalls::shared_data(key) {
        Ok((value, mark)) => Ok(Some(Versioned { value, mark })),
        Err(HostError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a shared value, whatever stands there now.
///
/// # Errors
///
/// Fails when the proxy refuses the write.
pub fn write(key: &str, value: &[u8]) -> Result<()> {
    hostcalls::set_shared_data(key, value, 0)
}

/// Replaces the value that `seen` came from; of several workers that try, one succeeds.
///
/// This holds for a key that exists: seed it with [`write`] while the plugin is configured.
///
/// # Errors
///
/// [`HostError::CasMismatch`] when another worker was first.
pub fn replace(key: &str, seen: &Versioned, value: &[u8]) -> Result<()> {
    hostcalls::set_shared_data(key, value, seen.mark)
}
