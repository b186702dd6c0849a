//! Prometheus rules and Envoy stat tags for a document.

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

/// A Prometheus rule file with recording rules and alerts for the metrics of a document.
///
/// The scrape must add the labels `namespace` and `pod`. Entries of `slos` without `objective` get
/// no alerts.
#[derive(Clone, Debug)]
pub struct Rules {
    prefix: String,
    is_labelled: bool,
    objectives: Vec<Objective>,
}

/// An entry of `slos`.
#[derive(Clone, Debug)]
struct Objective {
    name: String,
    /// The error budget as a ratio; `None` without `objective`.
    budget: Option<f64>,
}

/// The windows of the error budget ratios.
const WINDOWS: [&str; 5] = ["5m", "30m", "1h", "6h", "3d"];
/// Steps of an objective per percentage point; the highest objective is 99.9999 %.
const STEPS_PER_PERCENT: f64 = 10_000.0;

impl Rules {
    /// Creates the rules for a document.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let entries =
            config.metrics.as_ref().map(|metrics| metrics.0.as_slice()).unwrap_or_default();
        let prefix = entries.iter().find_map(|entry: &MetricsConfig| entry.prefix.as_ref());
        let objectives = config.slos.iter().map(|slo| Objective {
            name: slo.name.as_str().to_owned(),
            budget: slo.objective.map(|objective| {
                ((100.0 - objective.percent()) * STEPS_PER_PERCENT).round()
                    / STEPS_PER_PERCENT
                    / 100.0
            }),
        });
        Self {
            prefix: prefix.map_or(DEFAULT_PREFIX, ShortName::as_str).to_owned(),
            is_labelled: is_labelled(entries),
            objectives: objectives.collect(),
        }
    }

    /// Returns the labels to aggregate traffic by.
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
        let ratio = |window: &str, metric: &str, by: &str| {
            let rate = |suffix: &str| format!("sum by ({by}) (rate({metric}_{suffix}[{window}]))");
            let expression = format!("1 - {} / {}", rate("good_total"), rate("total"));
            Rule::record(format!("weir:slo_error_budget:ratio_{window}"), expression)
        };
        if self.objectives.is_empty() {
            return Vec::new();
        }
        if self.is_labelled {
            let metric = format!("{prefix}_slo");
            return WINDOWS.map(|window| ratio(window, &metric, "namespace, slo")).into();
        }
        let unlabelled = |slo: &Objective| {
            let metric = format!("{prefix}_slo_{}", slo.name);
            WINDOWS.map(|window| ratio(window, &metric, "namespace").label("slo", &slo.name))
        };
        self.objectives.iter().flat_map(unlabelled).collect()
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
        writeln!(
            out,
            "# Rates and latencies are aggregated by namespace, a label that the scrape must add."
        )?;
        writeln!(out, "groups:")?;
        let groups =
            [("", self.traffic()), ("-slo", self.budgets()), ("-alerts", alerts::alerts(self))];
        for (suffix, rules) in groups.iter().filter(|(_, rules)| !rules.is_empty()) {
            writeln!(out, "- name: {}{suffix}\n  rules:", self.prefix.replace('_', "-"))?;
            rules.iter().try_for_each(|rule| rule.fmt(out))?;
        }
        Ok(())
    }
}

/// Renders the labels as Istio's `extraStatTags`.
#[must_use]
pub fn extra_stat_tags(labels: &[&str]) -> String {
    let lines = labels.iter().map(|label| format!("- {label}\n"));
    format!("extraStatTags:\n{}", lines.collect::<String>())
}

/// Renders the labels as `stats_tags` of a plain Envoy's bootstrap.
#[must_use]
pub fn stats_tags(labels: &[&str]) -> String {
    let pattern =
        |label: &&str| format!("  - {{tag_name: {label}, regex: '(\\.{label}=\\.=(.*?);\\.;)'}}\n");
    format!("stats_config:\n  stats_tags:\n{}", labels.iter().map(pattern).collect::<String>())
}
