//! Scenarios in which each host call fails once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

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

/// Returns the host calls of scenarios by callback: the names of the calls, separated by blanks.
pub fn host_calls<T>(scenarios: &[fn(&Proxy) -> T]) -> BTreeMap<&'static str, String> {
    let mut calls = BTreeMap::<&str, BTreeSet<&str>>::new();
    for scenario in scenarios {
        let proxy = Proxy::new();
        let _ = scenario(&proxy);
        for call in proxy.trace() {
            calls.entry(call.callback).or_default().insert(call.name);
        }
    }
    let names = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(" ");
    calls.into_iter().map(|(callback, calls)| (callback, names(calls))).collect()
}

/// Returns the facts that differ from the expected ones, for a row of a table; `line` writes a fact.
pub fn difference(
    facts: &BTreeMap<String, String>,
    expected: &BTreeMap<String, String>,
    line: impl Fn(&str, &str) -> String,
) -> String {
    let gone = expected.keys().filter(|name| !facts.contains_key(*name));
    let gone = gone.map(|name| format!("no {name}"));
    let changed = facts.iter().filter(|(name, text)| expected.get(*name) != Some(text));
    let changed = changed.map(|(name, text)| line(name, text));
    let all: Vec<String> = gone.chain(changed).collect();
    if all.is_empty() { "no effect".to_owned() } else { all.join("<br>") }
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

    /// Like [`Failures::differences`], without definitions of metrics, as each only loses its metric,
    /// and without equal rows. `argument` shortens the arguments of calls.
    pub fn distinct_differences(
        &self,
        argument: impl Fn(&str) -> String,
        difference: impl Fn(&T, &T) -> String,
    ) -> Failures<String> {
        let Failures { expected, calls } = self.differences(difference);
        let mut rows: Vec<FailedCall<String>> = Vec::new();
        for FailedCall { call, error, outcome } in calls {
            let argument = argument(&call.argument);
            let row = FailedCall { call: HostCall { argument, ..call }, error, outcome };
            let is_equal = |other: &FailedCall<String>| {
                (&other.call, other.error, &other.outcome) == (&row.call, row.error, &row.outcome)
            };
            if row.call.name != "define_metric" && !rows.iter().any(is_equal) {
                rows.push(row);
            }
        }
        Failures { expected, calls: rows }
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
