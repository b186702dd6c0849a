//! Values that all workers of the proxy share.
//!
//! A value cannot be deleted, and every plugin of the proxy can read and write it. The number of
//! keys must be fixed, and keys must not contain data of clients.

use filter_core::sticky_hash;

use crate::{
    host_error::{HostError, Result},
    property, sys,
};

/// Attempts of one [`update`] while other workers write the same value.
const MAX_ATTEMPTS: usize = 8;

/// The version of an absent value: a write that expects it succeeds only if the value is absent.
pub(crate) const NO_VERSION: u32 = u32::MAX;

/// A shared value and the version that [`replace`] compares.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Versioned {
    /// The value's bytes.
    pub value: Vec<u8>,
    version: u32,
}

/// Returns the key prefix of this plugin, `weir.<filter>.<plugin>`, for values that outlive a
/// configuration.
#[must_use]
pub fn plugin_key(filter: &str) -> String {
    let plugin = property::read(&["plugin_name"]).ok().flatten().unwrap_or_default();
    format!("weir.{filter}.{}", String::from_utf8_lossy(&plugin))
}

/// Returns the key prefix of this plugin with this configuration, for values that a new
/// configuration resets.
#[must_use]
pub fn config_key(filter: &str, document: &[u8]) -> String {
    format!("{}.{:016x}", plugin_key(filter), sticky_hash("", document, ""))
}

/// Reads a shared value; `None` if no worker has written one.
///
/// # Errors
///
/// Fails if the proxy does.
pub fn read(key: &str) -> Result<Option<Versioned>> {
    match sys::shared_data(key) {
        Ok((value, version)) => Ok(Some(Versioned { value, version })),
        Err(HostError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a shared value, whatever its version.
///
/// # Errors
///
/// Fails if the proxy refuses the write.
pub fn write(key: &str, value: &[u8]) -> Result<()> {
    sys::set_shared_data(key, value, 0)
}

/// Writes an initial value unless there is a value; of several workers that try, one succeeds.
///
/// [`replace`] and [`update`] need it: without an existing value, every worker would succeed.
///
/// # Errors
///
/// Fails if the proxy refuses the write.
pub fn seed(key: &str, value: &[u8]) -> Result<()> {
    match sys::set_shared_data(key, value, NO_VERSION) {
        Err(HostError::CasMismatch) => Ok(()),
        written => written,
    }
}

/// Reads a shared value; one that is absent is seeded as empty first.
///
/// # Errors
///
/// Fails if the proxy does.
pub fn read_or_seed(key: &str) -> Result<Versioned> {
    if let Some(seen) = read(key)? {
        return Ok(seen);
    }
    seed(key, &[])?;
    read(key)?.ok_or(HostError::NotFound)
}

/// Replaces the value that `seen` came from; of several workers that try, one succeeds.
///
/// # Errors
///
/// [`HostError::CasMismatch`] if another worker was first.
pub fn replace(key: &str, seen: &Versioned, value: &[u8]) -> Result<()> {
    sys::set_shared_data(key, value, seen.version)
}

/// Replaces a seeded value by the result of `next`; returns `false` if `next` returns `None`.
///
/// `next` runs again if another worker was faster.
///
/// # Errors
///
/// [`HostError::NotFound`] if the value was not seeded, [`HostError::CasMismatch`] after 8
/// attempts.
pub fn update(key: &str, mut next: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Result<bool> {
    for _ in 0..MAX_ATTEMPTS {
        let seen = read(key)?.ok_or(HostError::NotFound)?;
        let Some(value) = next(&seen.value) else { return Ok(false) };
        match replace(key, &seen, &value) {
            Err(HostError::CasMismatch) => {}
            written => return written.map(|()| true),
        }
    }
    Err(HostError::CasMismatch)
}

#[cfg(test)]
mod tests;
