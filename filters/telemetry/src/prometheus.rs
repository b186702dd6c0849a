//! What a Prometheus and its proxies are given for a document: rules, and the patterns of labels.

use std::fmt::{self, Display, Formatter};

mod alerts;
mod rule;
#[cfg(test)]
mod tests;

use self::rule::Rule;
use crate::{
    Config,
    config::{MetricsConfig, ShortName},
    signals::metrics::{DEFAULT_PREFIX, is_labelled},
};

/// Recording rules and alerts for the metrics of a document, as a file of rules.
///
/// They sum by the label `namespace`, and alerts of a proxy name its `pod`, so the scrape has to
/// give both. Objectives come from `slos`; one without `objective` has no alert.
#[derive(Clone, Debug)]
pub struct Rules {
    prefix: String,
    is_labelled: bool,
    objectives: Vec<Objective>,
}

/// An objective that rules are about.
#[derive(Clone, Debug)]
struct Objective {
    name: String,
    /// The share of streams that may be bad.
    budget: Option<f64>,
}

/// The windows over which bad streams are recorded.
const WINDOWS: [&str; 5] = ["5m", "30m", "1h", "6h", "3d"];
/// Parts of a percentage in the share that an objective tells apart: 99.9999 % is the highest.
const STEPS: f64 = 10_000.0;

impl Rules {
    /// Writes rules for a document.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let entries = config.metrics.as_ref().map(|it| it.0.as_slice()).unwrap_or_default();
        let prefix = entries.iter().find_map(|it: &MetricsConfig| it.prefix.as_ref());
        let objectives = config.slos.iter().map(|slo| Objective {
            name: slo.name.as_str().to_owned(),
            budget: slo
                .objective
                .map(|it| ((100.0 - it.percent()) * STEPS).round() / STEPS / 100.0),
        });
        Self {
            prefix: prefix.map_or(DEFAULT_PREFIX, ShortName::as_str).to_owned(),
            is_labelled: is_labelled(entries),
            objectives: objectives.collect(),
        }
    }

    /// The labels that traffic is summed by.
    const fn by(&self) -> &'static str {
        if self.is_labelled { "namespace, request_operation" } else { "namespace" }
    }

    fn traffic(&self) -> Vec<Rule> {
        let (prefix, by) = (&self.prefix, self.by());
        let requests = format!("sum by ({by}) (rate({prefix}_requests_total[5m]))");
        let errors = format!("sum by ({by}) (rate({prefix}_request_errors_total[5m]))");
        let quantile = |percent: u32| {
            let buckets = format!("rate({prefix}_request_duration_ms_bucket[5m])");
            let share = f64::from(percent) / 100.0;
            let expression = format!("histogram_quantile({share}, sum by ({by}, le) ({buckets}))");
            Rule::record(format!("weir:duration_ms:p{percent}_5m"), expression)
        };
        let mut rules = vec![
            Rule::record("weir:requests:rate5m", requests.clone()),
            Rule::record("weir:errors:ratio_rate5m", format!("{errors} / {requests}")),
        ];
        rules.extend([50, 95, 99].map(quantile));
        rules
    }

    fn budgets(&self) -> Vec<Rule> {
        let prefix = &self.prefix;
        let ratio = |window: &str, of: &str, by: &str| {
            let rate = |what: &str| format!("sum by ({by}) (rate({of}_{what}[{window}]))");
            let expression = format!("1 - {} / {}", rate("good_total"), rate("total"));
            Rule::record(format!("weir:slo_error_budget:ratio_{window}"), expression)
        };
        if self.objectives.is_empty() {
            return Vec::new();
        }
        if self.is_labelled {
            let of = format!("{prefix}_slo");
            return WINDOWS.map(|window| ratio(window, &of, "namespace, slo")).into();
        }
        let of_one = |slo: &Objective| {
            let of = format!("{prefix}_slo_{}", slo.name);
            WINDOWS.map(|window| ratio(window, &of, "namespace").label("slo", &slo.name))
        };
        self.objectives.iter().flat_map(of_one).collect()
    }
}

impl Display for Rules {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let labels = if self.is_labelled { "with" } else { "without" };
        let is = self.is_labelled;
        writeln!(
            out,
            "# Recording rules and alerts for telemetry {labels} labels (`metrics.labels: {is}`)."
        )?;
        writeln!(out, "# Rates and latencies are by namespace, which the scrape has to name.")?;
        writeln!(out, "groups:")?;
        let groups =
            [("", self.traffic()), ("-slo", self.budgets()), ("-alerts", alerts::alerts(self))];
        for (end, rules) in groups.iter().filter(|(_, rules)| !rules.is_empty()) {
            writeln!(out, "- name: {}{end}\n  rules:", self.prefix.replace('_', "-"))?;
            rules.iter().try_for_each(|rule| rule.fmt(out))?;
        }
        Ok(())
    }
}

/// Writes the list of labels that Istio's `extraStatTags` must hold.
#[must_use]
pub fn extra_stat_tags(labels: &[&str]) -> String {
    let lines = labels.iter().map(|label| format!("- {label}\n"));
    format!("extraStatTags:\n{}", lines.collect::<String>())
}

/// Writes the patterns that a plain Envoy's bootstrap must hold.
#[must_use]
pub fn stats_tags(labels: &[&str]) -> String {
    let pattern =
        |label: &&str| format!("  - {{tag_name: {label}, regex: '(\\.{label}=\\.=(.*?);\\.;)'}}\n");
    format!("stats_config:\n  stats_tags:\n{}", labels.iter().map(pattern).collect::<String>())
}
