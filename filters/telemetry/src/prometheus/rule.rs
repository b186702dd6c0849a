//! A rule in YAML.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

/// A recording rule or an alert.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    kind: &'static str,
    name: String,
    expression: String,
    duration: Option<&'static str>,
    labels: Vec<(&'static str, String)>,
    annotations: Vec<(&'static str, String)>,
}

impl Rule {
    /// Creates a recording rule.
    pub(super) fn record(name: impl Into<String>, expression: String) -> Self {
        Self::new("record", name.into(), expression)
    }

    /// Creates an alert that fires once the expression has had results for `duration`.
    pub(super) fn alert(
        name: &str,
        expression: String,
        duration: &'static str,
        severity: &str,
    ) -> Self {
        let duration = Some(duration);
        Self { duration, ..Self::new("alert", name.to_owned(), expression) }
            .label("severity", severity)
    }

    /// Adds a label.
    pub(super) fn label(mut self, name: &'static str, value: &str) -> Self {
        self.labels.push((name, value.to_owned()));
        self
    }

    /// Adds the annotations of an alert.
    pub(super) fn annotate(mut self, summary: impl Into<String>, description: &str) -> Self {
        self.annotations.push(("summary", summary.into()));
        self.annotations.push(("description", description.to_owned()));
        self
    }

    fn new(kind: &'static str, name: String, expression: String) -> Self {
        Self { kind, name, expression, duration: None, labels: Vec::new(), annotations: Vec::new() }
    }
}

impl Display for Rule {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "  - {}: {}", self.kind, self.name)?;
        writeln!(out, "    expr: >-\n      {}", self.expression)?;
        if let Some(duration) = self.duration {
            writeln!(out, "    for: {duration}")?;
        }
        for (heading, pairs) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if !pairs.is_empty() {
                writeln!(out, "    {heading}:")?;
            }
            for (name, value) in pairs {
                // A JSON string is a valid YAML string.
                writeln!(out, "      {name}: {}", Value::from(value.as_str()))?;
            }
        }
        Ok(())
    }
}
