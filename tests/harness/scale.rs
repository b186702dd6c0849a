//! Length of tests that repeat an operation.

use std::env;

/// Environment variable that selects the long form of tests, up to 10^6 instead of some thousand
/// repetitions.
pub const THOROUGH: &str = "WEIR_THOROUGH";

/// Returns the number of repetitions: `usual`, or `long` if [`THOROUGH`] is set.
pub fn thorough(usual: u64, long: u64) -> u64 {
    if env::var_os(THOROUGH).is_some() { long } else { usual }
}
