//! One rule, as YAML.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

/// A recording rule or an alert.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    kind: &'static str,
    name: String,
    expression: String,
    lasting: Option<&'static str>,
    labels: Vec<(&'static str, String)>,
    annotations: Vec<(&'static str, String)>,
}

impl Rule {
    /// A rule that keeps what an expression gives.
    pub(super) fn record(name: impl Into<String>, expression: String) -> Self {
        Self::new("record", name.into(), expression)
    }

    /// A rule that tells when an expression has given something for so long.
    pub(super) fn alert(
        name: &str,
        expression: String,
        lasting: &'static str,
        severity: &str,
    ) -> Self {
        let lasting = Some(lasting);
        Self { lasting, ..Self::new("alert", name.to_owned(), expression) }
            .label("severity", severity)
    }

    /// Adds a label.
    pub(super) fn label(mut self, name: &'static str, value: &str) -> Self {
        self.labels.push((name, value.to_owned()));
        self
    }

    /// Adds what an alert says: in one line, and what it means.
    pub(super) fn says(mut self, summary: impl Into<String>, description: &str) -> Self {
        self.annotations.push(("summary", summary.into()));
        self.annotations.push(("description", description.to_owned()));
        self
    }

    fn new(kind: &'static str, name: String, expression: String) -> Self {
        Self { kind, name, expression, lasting: None, labels: Vec::new(), annotations: Vec::new() }
    }
}

impl Display for Rule {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "  - {}: {}", self.kind, self.name)?;
        writeln!(out, "    expr: >-\n      {}", self.expression)?;
        if let Some(lasting) = self.lasting {
            writeln!(out, "    for: {lasting}")?;
        }
        for (heading, pairs) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if !pairs.is_empty() {
                writeln!(out, "    {heading}:")?;
            }
            for (name, value) in pairs {
                // A text of JSON is one of YAML.
                writeln!(out, "      {name}: {}", Value::from(value.as_str()))?;
            }
        }
        Ok(())
    }
}
