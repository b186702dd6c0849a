//! What can be said about a document without a proxy.

use std::time::SystemTime;

use filter_core::{InvalidConfig, Warning, parse_config};

use crate::{Config, Policy};

/// Checks a document as the filter does when it is configured at `now`; returns what loads but
/// deserves a look.
///
/// # Errors
///
/// Everything for which the filter would refuse the document.
///
/// ```
/// use std::time::SystemTime;
///
/// let document = br#"{"http": [{"name": "slow", "fault": {"delay": {"fixedDelay": "5s"}}}]}"#;
/// let warnings = fault_injection::check(document, SystemTime::UNIX_EPOCH).unwrap();
/// let said: Vec<String> = warnings.iter().map(ToString::to_string).collect();
/// assert_eq!(
///     said,
///     [
///         "slow: fault.delay has no percentage, so it never fires",
///         "slow: without an expiresAt, its faults never end",
///     ]
/// );
/// ```
pub fn check(document: &[u8], now: SystemTime) -> Result<Vec<Warning>, InvalidConfig> {
    let config: Config = parse_config(document)?;
    Policy::new(&config).map(|policy| policy.warnings(now))
}
