//! Enumeration of the readings of a value.

use std::borrow::Cow;

/// Maximum number of readings of one value.
const MAX_READINGS: usize = 32;

/// Maximum total size of the readings of one value, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// A transformation that a reader may apply; returns borrowed data if it changes nothing.
pub(crate) type Step = fn(&[u8]) -> Cow<'_, [u8]>;

/// Returns all results of applying the steps to `value` in any order, without `value` itself;
/// `None` if there are too many to compare.
pub(crate) fn other_readings(steps: &[Step], value: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut readings: Vec<Vec<u8>> = Vec::new();
    let mut bytes: usize = 0;
    let mut next = 0;
    let mut reading = Cow::Borrowed(value);
    loop {
        for step in steps {
            let Cow::Owned(read) = step(&reading) else { continue };
            if read == value || readings.contains(&read) {
                continue;
            }
            bytes = bytes.saturating_add(read.len());
            if readings.len() >= MAX_READINGS || bytes > MAX_BYTES {
                return None;
            }
            readings.push(read);
        }
        let Some(read) = readings.get(next) else { return Some(readings) };
        reading = Cow::Owned(read.clone());
        next = next.saturating_add(1);
    }
}

/// Returns `read`, or `value` borrowed if they are equal.
pub(crate) fn changed(value: &[u8], read: Vec<u8>) -> Cow<'_, [u8]> {
    if read == value { Cow::Borrowed(value) } else { Cow::Owned(read) }
}
