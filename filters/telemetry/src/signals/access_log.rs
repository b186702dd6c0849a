//! Access logs: selection, rate limits and fields.
//!
//! A line is built only if it will be written.

use std::time::Duration;

use filter_core::{DurationWithin, IntegerWithin, Percentage, Redactor};

use crate::{
    config::{AccessLogConfig, Level, Mode},
    export::exporters::Exporters,
    export::otlp::Severity,
    expression::{EvaluationError, Phase},
    policy::compiler::Compiler,
    signals::filter::Filter,
    stream::direction::Direction,
    stream::record::CompletedStream,
};

mod fields;
mod line;
mod rate_limits;
mod truncate;

use crate::signals::access_log::fields::FieldsContext;
pub use crate::signals::access_log::{
    fields::{FieldValue, Fields},
    line::line,
    rate_limits::RateLimits,
};

/// A compiled entry of `accessLogging`.
#[derive(Debug)]
pub struct AccessLog {
    filter: Option<Filter>,
    percentage: Percentage,
    logs_errors: bool,
    slower_than: Option<Duration>,
    max_per_second: u32,
    fields: Fields,
    mode: Mode,
    /// The destination of its records.
    pub target: LogTarget,
}

/// The destination of an entry's records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogTarget {
    /// The proxy's own log, as lines of JSON.
    Proxy(Level),
    /// The provider with this index, as OTLP log records.
    Provider(usize),
}

/// A completed stream to log.
#[derive(Clone, Copy)]
pub struct LoggedStream<'a> {
    /// The completed stream.
    pub ended: CompletedStream<'a>,
    /// Whether the stream is an error.
    pub is_error: bool,
}

/// The reason why a stream is logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogReason {
    /// It was sampled by `percentage`.
    Sampled,
    /// It matches `always`: an error or a slow stream.
    Always,
}

/// Inputs to the compilation of entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompileContext<'a> {
    /// The providers of the document.
    pub(crate) exporters: &'a Exporters,
    /// Whether the document has operations.
    pub(crate) has_operations: bool,
}

/// Maximum number of entries of `accessLogging`.
const MAX_ENTRIES: usize = 8;

const MAX_PER_SECOND: u64 = 100;

/// The provider name of the proxy's own log.
pub(crate) const PROXY: &str = "envoy";

impl AccessLog {
    /// Compiles all entries except disabled ones. Errors are added to `compiler`.
    pub(crate) fn compile_all(
        entries: &[AccessLogConfig],
        context: &CompileContext<'_>,
        compiler: &mut Compiler,
    ) -> Vec<Self> {
        if !(1..=MAX_ENTRIES).contains(&entries.len()) {
            let got = entries.len();
            let rule = format_args!("must have 1 to {MAX_ENTRIES} entries, got {got}");
            compiler.errors.add("accessLogging", rule);
            return Vec::new();
        }
        let logs = entries.iter().enumerate().filter_map(|(index, entry)| {
            Self::compile(entry, &format!("accessLogging[{index}]"), context, compiler)
        });
        logs.collect()
    }

    /// Compiles an entry; `None` if it is disabled or invalid. Errors are added to `compiler`.
    fn compile(
        config: &AccessLogConfig,
        path: &str,
        context: &CompileContext<'_>,
        compiler: &mut Compiler,
    ) -> Option<Self> {
        let target = target(config, path, context, compiler);
        let is_line = matches!(target, Some(LogTarget::Proxy(_)));
        let context = FieldsContext { path, is_line, has_operations: context.has_operations };
        let (filter, fields) = compiler.late(|compiler| {
            let filter = config.filter.as_ref();
            let path = format!("{path}.filter");
            let filter = filter.map(|filter| compiler.filter(filter, Phase::End, &path));
            (filter, Fields::compile(config, &context, compiler))
        });
        // An invalid filter was already reported. Without a filter, all streams match.
        let filter = filter.map_or(Some(None), |filter| filter.map(Some))?;
        let max = config.max_per_second.map_or(MAX_PER_SECOND, IntegerWithin::get);
        let log = Self {
            filter,
            percentage: config.percentage.unwrap_or(Percentage::ALL),
            logs_errors: config.always.errors.unwrap_or(true),
            slower_than: config.always.slower_than.map(DurationWithin::get),
            max_per_second: u32::try_from(max).unwrap_or(u32::MAX),
            fields: fields?,
            mode: config.r#match.mode,
            target: target?,
        };
        (!config.disabled).then_some(log)
    }

    /// Returns `true` if the entry applies to listeners of a direction.
    #[must_use]
    pub const fn fits(&self, direction: Direction) -> bool {
        self.mode.fits(direction)
    }

    /// Returns `true` if a field is hashed, which requires a key.
    #[must_use]
    pub fn hashes(&self) -> bool {
        self.fields.hashes()
    }

    /// Returns the filter; `None` if all streams match.
    #[must_use]
    pub const fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// Creates the rate limits of a worker.
    #[must_use]
    pub const fn limits(&self) -> RateLimits {
        RateLimits::new(self.max_per_second)
    }

    /// Returns the reason why a stream is logged; `None` if it is not. `draw` is a random number
    /// from 0 to 999,999.
    ///
    /// # Errors
    ///
    /// Returns an error if the filter fails. The stream is not logged then.
    pub fn selects(
        &self,
        stream: &LoggedStream<'_>,
        draw: u32,
    ) -> Result<Option<LogReason>, EvaluationError> {
        if let Some(filter) = &self.filter
            && !filter.holds(stream.ended.attributes, stream.ended.request)?
        {
            return Ok(None);
        }
        let is_slow = self.slower_than.is_some_and(|limit| stream.ended.record.duration > limit);
        if is_slow || (self.logs_errors && stream.is_error) {
            return Ok(Some(LogReason::Always));
        }
        Ok(self.percentage.contains(draw).then_some(LogReason::Sampled))
    }

    /// Returns the fields of a stream in order, without missing ones.
    ///
    /// The fields fit into a line of at most 8 KiB.
    #[must_use]
    pub fn fields(
        &self,
        stream: &LoggedStream<'_>,
        redactor: &Redactor,
    ) -> Vec<(&str, FieldValue)> {
        self.fields.of(stream, redactor)
    }
}

/// Returns the severity of a record.
#[must_use]
pub fn severity(stream: &LoggedStream<'_>) -> Severity {
    match stream.ended.record.status {
        _ if stream.is_error => Severity::Error,
        Some(status) if status >= 400 => Severity::Warn,
        _ => Severity::Info,
    }
}

fn target(
    config: &AccessLogConfig,
    path: &str,
    context: &CompileContext<'_>,
    compiler: &mut Compiler,
) -> Option<LogTarget> {
    let proxy = Some(LogTarget::Proxy(config.level.unwrap_or_default()));
    let (field, rule) = match config.providers.as_slice() {
        [] => return proxy,
        [one] if one.name == PROXY => return proxy,
        [_] if config.level.is_some() => {
            (".level", "must not be given: only the proxy's own log has levels")
        }
        [one] => match context.exporters.provider(&one.name) {
            Some(provider) => return Some(LogTarget::Provider(provider)),
            // An invalid provider is reported at its own path.
            None if context.exporters.has(&one.name) => return None,
            None => {
                (".providers[0].name", "must be envoy or the name of one of extensionProviders")
            }
        },
        _ => {
            (".providers", "must have at most one entry: write an entry of accessLogging for each")
        }
    };
    compiler.errors.add(format_args!("{path}{field}"), rule);
    None
}

#[cfg(test)]
mod tests;
