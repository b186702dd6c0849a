//! Scenarios in which each host call fails once.

use std::fmt;

use super::{proxy::Proxy, state::HostCall};
use crate::host_error::HostError;

/// The outcomes of a scenario, one for each host call that failed in it.
pub struct Failures<T> {
    /// The outcome without a failure.
    pub expected: T,
    /// The failed calls, in the order of the scenario.
    pub calls: Vec<FailedCall<T>>,
}

/// A host call that failed, and the outcome.
pub struct FailedCall<T> {
    /// The call.
    pub call: HostCall,
    /// The error that it returned.
    pub error: HostError,
    /// The outcome of the scenario.
    pub outcome: T,
}

/// Runs a scenario once for each host call that it makes, in which that call fails.
///
/// A write with compare-and-swap also loses to another worker once. The scenario must not depend on
/// anything but the proxy. A panic fails the test.
pub fn failures<T>(scenario: impl Fn(&Proxy) -> T) -> Failures<T> {
    let proxy = Proxy::new();
    let expected = scenario(&proxy);
    let trace = proxy.trace();
    let mut calls = Vec::new();
    for (index, call) in trace.into_iter().enumerate() {
        let mut errors = vec![HostError::InternalFailure];
        if call.name == "replace_shared_data" {
            errors.push(HostError::CasMismatch);
        }
        for error in errors {
            let proxy = Proxy::new();
            proxy.fail(index, error);
            let outcome = scenario(&proxy);
            calls.push(FailedCall { call: call.clone(), error, outcome });
        }
    }
    Failures { expected, calls }
}

impl<T: fmt::Display> Failures<T> {
    /// Returns the outcomes as texts; each outcome of a failure is its `difference` from the
    /// expected one.
    pub fn differences(&self, difference: impl Fn(&T, &T) -> String) -> Failures<String> {
        let row = |failed: &FailedCall<T>| FailedCall {
            call: failed.call.clone(),
            error: failed.error,
            outcome: difference(&failed.outcome, &self.expected),
        };
        Failures {
            expected: self.expected.to_string(),
            calls: self.calls.iter().map(row).collect(),
        }
    }

    /// Compares the table with `expected`, the content of `file`.
    ///
    /// Writes the file instead if the environment variable `WEIR_WRITE_FAILURES` is set.
    pub fn assert_table(&self, expected: &str, file: &str) {
        let table = self.to_string();
        if std::env::var_os("WEIR_WRITE_FAILURES").is_some() {
            std::fs::write(file, table).expect("cannot write the table");
        } else {
            assert!(
                table == expected,
                "{file} is outdated; review `git diff` after: WEIR_WRITE_FAILURES=1 cargo test"
            );
        }
    }
}

impl<T: fmt::Display> fmt::Display for Failures<T> {
    /// Writes a Markdown table; consecutive calls of one kind with the same outcome share a row.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Without a failed host call: {}\n", self.expected)?;
        writeln!(f, "| callback | host call | error | outcome |\n|---|---|---|---|")?;
        let key = |failed: &FailedCall<T>| {
            let HostCall { callback, name, .. } = failed.call;
            (callback, name, failed.error, failed.outcome.to_string())
        };
        for calls in self.calls.chunk_by(|a, b| key(a) == key(b)) {
            let (callback, name, error, outcome) = key(&calls[0]);
            let call = match calls {
                [only] => format!("{name} {}", only.call.argument),
                [first, ..] => format!("{name} {} … ({})", first.call.argument, calls.len()),
                [] => continue,
            };
            writeln!(f, "| {callback} | {} | {error:?} | {outcome} |", call.trim())?;
        }
        Ok(())
    }
}
