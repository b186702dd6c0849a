//! Environment variables of the virtual machine.

use crate::sys;

/// Returns the value of an environment variable; `None` if it is not set or not UTF-8.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    sys::variable(name)
}
