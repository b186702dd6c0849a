//! Access logs: which streams are logged, how many in a second, and what of them.
//!
//! A line is built only once it is known that it will be written.

use std::time::Duration;

use filter_core::{DurationWithin, IntegerWithin, Percentage};

use crate::{
    config::{AccessLogConfig, Level, Mode},
    export::exporters::Exporters,
    export::otlp::Severity,
    expression::{EvaluationError, Phase},
    policy::compiler::Compiler,
    signals::filter::Filter,
    signals::redactor::Redactor,
    stream::direction::Direction,
    stream::record::CompletedStream,
};

mod fields;
mod limits;
mod line;
mod truncate;

use crate::signals::access_log::fields::FieldsContext;
pub use crate::signals::access_log::{
    fields::{FieldValue, Fields},
    limits::RateLimits,
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
    mode: Mode,
    /// Where it goes.
    pub target: LogTarget,
}

/// Where records of an entry go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogTarget {
    /// To the proxy's own log, as lines of JSON.
    Proxy(Level),
    /// To the provider in that place of the document, as log records.
    Provider(usize),
}

/// A stream that has ended, as an access log sees it.
#[derive(Clone, Copy)]
pub struct LoggedStream<'a> {
    /// The stream.
    pub ended: CompletedStream<'a>,
    /// Whether it is an error.
    pub is_error: bool,
}

/// Why a stream is logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogReason {
    /// It fell into the share.
    Sampled,
    /// It is an error, or slow.
    Always,
}

/// What else is known where entries are compiled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompileContext<'a> {
    /// The providers of the document.
    pub(crate) exporters: &'a Exporters,
    /// Whether the document names operations.
    pub(crate) has_operations: bool,
}

/// The most entries of `accessLogging`.
const MAX_ENTRIES: usize = 8;

const MAX_PER_SECOND: u64 = 100;

/// The name of the proxy's own log among providers.
pub(crate) const PROXY: &str = "envoy";

impl AccessLog {
    /// Compiles all entries; what is wrong with them is noted, and those that log nothing are left
    /// out.
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

    /// Compiles one entry; `None` where it logs nothing or is refused, which is noted.
    fn compile(
        config: &AccessLogConfig,
        path: &str,
        context: &CompileContext<'_>,
        compiler: &mut Compiler,
    ) -> Option<Self> {
        let target = target(config, path, context, compiler);
        let is_line = matches!(target, Some(LogTarget::Proxy(_)));
        let place = FieldsContext { path, is_line, has_operations: context.has_operations };
        let (filter, fields) = compiler.late(|compiler| {
            let filter = config.filter.as_ref();
            let path = format!("{path}.filter");
            let filter = filter.map(|filter| compiler.filter(filter, Phase::End, &path));
            (filter, Fields::compile(config, &place, compiler))
        });
        // A filter that was refused is told among the problems; without one, all streams count.
        let filter = filter.map_or(Some(None), |filter| filter.map(Some))?;
        let most = config.max_per_second.map_or(MAX_PER_SECOND, IntegerWithin::get);
        let log = Self {
            filter,
            percentage: config.percentage.unwrap_or(Percentage::ALL),
            logs_errors: config.always.errors.unwrap_or(true),
            slower_than: config.always.slower_than.map(DurationWithin::get),
            max_per_second: u32::try_from(most).unwrap_or(u32::MAX),
            fields: fields?,
            mode: config.r#match.mode,
            target: target?,
        };
        (!config.disabled).then_some(log)
    }

    /// Says whether the entry is for listeners of a direction.
    #[must_use]
    pub const fn fits(&self, direction: Direction) -> bool {
        self.mode.fits(direction)
    }

    /// Says whether a field is hashed, for which a key is needed.
    #[must_use]
    pub fn hashes(&self) -> bool {
        self.fields.hashes()
    }

    /// Returns its filter.
    #[must_use]
    pub const fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// Returns the limits of a worker.
    #[must_use]
    pub const fn limits(&self) -> RateLimits {
        RateLimits::new(self.max_per_second)
    }

    /// Says why a stream is logged, given a draw from 0 to 999,999; `None` where it is not.
    ///
    /// # Errors
    ///
    /// Fails where the filter does; then the stream is not logged.
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

    /// Returns what is said of a stream, in order; what is absent is left out.
    ///
    /// Together the fields make a line of at most 8 KiB.
    #[must_use]
    pub fn fields(
        &self,
        stream: &LoggedStream<'_>,
        redactor: &Redactor,
    ) -> Vec<(&str, FieldValue)> {
        self.fields.of(stream, redactor)
    }
}

/// Says how bad a record of a stream is.
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
            (".level", "must not be given, only the proxy's own log has levels")
        }
        [one] => match context.exporters.provider(&one.name) {
            Some(provider) => return Some(LogTarget::Provider(provider)),
            // A refused provider is reported at its own path.
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
