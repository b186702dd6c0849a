//! Access logs: which streams are logged, how many in a second, and what of them.
//!
//! A line is built only once it is known that it will be written.

use std::time::Duration;

use filter_core::{Percentage, Problems, Request};

use crate::{
    config::{AccessLogConfig, Level},
    expression::{Attributes, Failure, Reads},
    filter::{Filter, FilterPlace},
    otlp::Severity,
    record::Record,
    redact::Redactor,
};

mod cut;
mod fields;
mod limits;
mod line;

pub use crate::access_log::{
    fields::{FieldValue, Fields},
    limits::Limits,
    line::line,
};

/// One compiled entry of `accessLogging`.
#[derive(Debug)]
pub struct AccessLog {
    filter: Option<Filter>,
    percentage: Percentage,
    logs_errors: bool,
    slower_than: Option<Duration>,
    max_per_second: u32,
    fields: Fields,
    /// Where it goes.
    pub target: Target,
}

/// Where records of an entry go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// To the proxy's own log, as lines of JSON.
    Proxy(Level),
    /// To the provider of that name.
    Provider(String),
}

/// A stream that has ended, as an access log sees it.
#[derive(Clone, Copy)]
pub struct Ended<'a> {
    /// What this filter measured.
    pub record: &'a Record,
    /// Whether it is an error.
    pub is_error: bool,
    /// What the proxy knows of it.
    pub attributes: &'a dyn Attributes,
    /// What matches of filters look at.
    pub request: &'a Request,
}

/// Why a stream is logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// It fell into the share.
    Share,
    /// It is an error, or slow.
    Always,
}

/// What else is known where an entry is compiled.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Where the entry stands, and when its filter is asked.
    pub place: FilterPlace<'a>,
    /// Whether the document names operations.
    pub has_operations: bool,
}

const MAX_PER_SECOND: u64 = 100;

/// The name of the proxy's own log among providers.
const PROXY: &str = "envoy";

impl AccessLog {
    /// Compiles an entry; `None` where it logs nothing or is refused, which `problems` then tells.
    ///
    /// Whether a provider of [`Target::Provider`] exists is for the caller to check.
    pub fn compile(
        config: &AccessLogConfig,
        around: &Surroundings<'_>,
        reads: &mut Reads,
        problems: &mut Problems,
    ) -> Option<Self> {
        let path = around.place.path;
        let target = target(config, path, problems);
        let filter_path = format!("{path}.filter");
        let place = FilterPlace { path: &filter_path, ..around.place };
        let is_line = matches!(target, Some(Target::Proxy(_)));
        let (filter, fields) = reads.late(|reads| {
            let filter = config.filter.as_ref();
            let filter = filter.map(|filter| Filter::compile(filter, &place, reads, problems));
            (filter, Fields::compile(config, around, is_line, reads, problems))
        });
        // A filter that was refused is told among the problems; without one, all streams count.
        let filter = filter.map_or(Some(None), |filter| filter.map(Some))?;
        let most = config.max_per_second.map_or(MAX_PER_SECOND, filter_core::IntegerWithin::get);
        let log = Self {
            filter,
            percentage: config.percentage.unwrap_or(Percentage::ALL),
            logs_errors: config.always.errors.unwrap_or(true),
            slower_than: config.always.slower_than.map(filter_core::DurationWithin::get),
            max_per_second: u32::try_from(most).unwrap_or(u32::MAX),
            fields: fields?,
            target: target?,
        };
        (!config.disabled).then_some(log)
    }

    /// Returns its filter.
    #[must_use]
    pub const fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// Returns the limits of a worker.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        Limits::new(self.max_per_second)
    }

    /// Says why a stream is logged, given a draw from 0 to 999,999; `None` where it is not.
    ///
    /// # Errors
    ///
    /// Fails where the filter does; then the stream is not logged.
    pub fn selects(&self, stream: &Ended<'_>, draw: u32) -> Result<Option<Reason>, Failure> {
        if let Some(filter) = &self.filter
            && !filter.holds(stream.attributes, stream.request)?
        {
            return Ok(None);
        }
        let is_slow = self.slower_than.is_some_and(|limit| stream.record.duration > limit);
        if is_slow || (self.logs_errors && stream.is_error) {
            return Ok(Some(Reason::Always));
        }
        Ok(self.percentage.contains(draw).then_some(Reason::Share))
    }

    /// Returns what is said of a stream, in order; what is absent is left out.
    ///
    /// Together the fields make a line of at most 8 KiB.
    #[must_use]
    pub fn fields(&self, stream: &Ended<'_>, redactor: &Redactor) -> Vec<(&str, FieldValue)> {
        self.fields.of(stream, redactor)
    }
}

/// Says how bad a record of a stream is.
#[must_use]
pub fn severity(stream: &Ended<'_>) -> Severity {
    match stream.record.status {
        _ if stream.is_error => Severity::Error,
        Some(status) if status >= 400 => Severity::Warn,
        _ => Severity::Info,
    }
}

fn target(config: &AccessLogConfig, path: &str, problems: &mut Problems) -> Option<Target> {
    let mut refused = |field: &str, rule: &str| {
        problems.add(format_args!("{path}.{field}"), rule);
        None
    };
    match (config.providers.as_slice(), config.level) {
        ([], level) => Some(Target::Proxy(level.unwrap_or_default())),
        ([one], level) if one.name == PROXY => Some(Target::Proxy(level.unwrap_or_default())),
        ([one], None) => Some(Target::Provider(one.name.clone())),
        ([_], Some(_)) => {
            refused("level", "must not be given, only the proxy's own log has levels")
        }
        _ => refused(
            "providers",
            "must have at most one entry: write one entry of accessLogging for each",
        ),
    }
}

#[cfg(test)]
mod tests;
