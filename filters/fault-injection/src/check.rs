//! Validation of a document without a proxy.

use std::time::SystemTime;

use filter_core::{InvalidConfig, Warning, parse_config};

use crate::{Config, Policy};

/// Validates a document as the filter does if it is configured at `now`. Returns the warnings.
///
/// # Errors
///
/// Fails with every error for which the filter refuses the document.
///
/// ```
/// use std::time::SystemTime;
///
/// let document = br#"{"http": [{"name": "slow", "fault": {"delay": {"fixedDelay": "5s"}}}]}"#;
/// let warnings = fault_injection::check(document, SystemTime::UNIX_EPOCH).unwrap();
/// let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
/// assert_eq!(
///     warnings,
///     [
///         "http[0].fault.delay: has no percentage, so it never fires",
///         "http[0].schedule: has no expiresAt, so the faults never end",
///     ]
/// );
/// ```
pub fn check(document: &[u8], now: SystemTime) -> Result<Vec<Warning>, InvalidConfig> {
    let config: Config = parse_config(document)?;
    let policy = Policy::new(&config)?;
    let mut warnings = policy.warnings().to_vec();
    warnings.extend(policy.expiry_warnings(now));
    Ok(warnings)
}
