//! The visible effects of a scenario, as text.

use std::{collections::BTreeMap, fmt};

use filter_host::memory::{Failures, Proxy, difference};

use super::{exchange::Fate, slots};

/// The visible effects of a scenario.
pub(super) struct Outcome {
    pub(super) fates: Vec<(&'static str, Fate)>,
    pub(super) metrics: BTreeMap<String, u64>,
    /// Lines of at least the level `warn`, and those of the automatic stop and of schedules.
    pub(super) log: Vec<String>,
    /// The slots that are still taken.
    pub(super) slots: u64,
}

impl Outcome {
    pub(super) fn new(proxy: &Proxy, fates: Vec<(&'static str, Fate)>) -> Self {
        let short = |name: String| {
            name.trim_start_matches("weir_fault_injection_").replace(".rule=.=x;.;", "")
        };
        let metrics = proxy.metrics().into_iter();
        let is_expected =
            |line: &str| line == "configuration applied" || line.contains("has no expiresAt");
        let log = proxy.log(2).into_iter().filter(|line| !is_expected(line));
        Self {
            fates,
            metrics: metrics.map(|(name, value)| (short(name), value)).collect(),
            log: log.collect(),
            slots: slots(proxy),
        }
    }

    pub(super) fn metric(&self, name: &str) -> u64 {
        self.metrics.get(name).copied().unwrap_or_default()
    }

    /// Returns the number of injected faults.
    pub(super) fn faults(&self) -> u64 {
        let names = ["delays", "aborts", "resets", "responses", "rate_limits"];
        let is_fault =
            |name: &str| names.iter().any(|fault| name.starts_with(&format!("{fault}_total")));
        let faults = self.metrics.iter().filter(|(name, _)| is_fault(name));
        faults.map(|(_, value)| value).sum()
    }

    /// Returns the effects by name.
    fn facts(&self) -> BTreeMap<String, String> {
        let fates = self.fates.iter().flat_map(|(name, fate)| {
            let fault = fate.stream.property("weir.fault").unwrap_or_default();
            let fault = fault.escape_ascii().to_string();
            [((*name).to_owned(), fate.to_string()), (format!("{name}, filter state"), fault)]
        });
        let metrics = self.metrics.iter().map(|(name, value)| (name.clone(), value.to_string()));
        let log = ("log".to_owned(), self.log.join("; "));
        fates.chain(metrics).chain([log]).filter(|(_, text)| !text.is_empty()).collect()
    }

    /// Returns the effects that differ from `expected`.
    fn difference(&self, expected: &Self) -> String {
        difference(&self.facts(), &expected.facts(), |name, text| format!("{name}: {text}"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts().iter().try_for_each(|(name, text)| write!(f, "\n- {name}: {text}"))
    }
}

/// Returns the table of failures with the differences from the outcome without one.
pub(super) fn table(failures: &Failures<Outcome>) -> Failures<String> {
    let argument = |argument: &str| match argument.starts_with("weir.fault-injection.") {
        true => argument.rsplit('.').next().unwrap_or_default().to_owned(),
        false => argument.to_owned(),
    };
    failures.distinct_differences(argument, Outcome::difference)
}
