//! How long tests are that could go on for ever.

use std::env;

/// The environment variable that asks for the long form of tests: 10^6 instead of some thousands.
pub const THOROUGH: &str = "WEIR_THOROUGH";

/// How often something is done: `usual`, or `long` where the environment asks for it.
pub fn thorough(usual: u64, long: u64) -> u64 {
    if env::var_os(THOROUGH).is_some() { long } else { usual }
}
