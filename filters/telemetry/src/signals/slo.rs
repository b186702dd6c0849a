//! Service level objectives: the streams they cover, and which of these are good.

use std::time::Duration;

use filter_core::{ConfigErrors, DurationWithin, Request};

use crate::{
    config::SloConfig,
    expression::{Attributes, EvaluationError, Expression, Phase, ResultKind},
    policy::compiler::Compiler,
    signals::filter::Filter,
    stream::record::Record,
};

/// A compiled objective.
#[derive(Debug)]
pub struct Slo {
    filter: Option<Filter>,
    latency: Option<Duration>,
    error_when: Option<Expression>,
}

/// Maximum number of objectives in a document.
const MAX: usize = 64;

impl Slo {
    /// Compiles the objectives of a document.
    pub(crate) fn compile(configs: &[SloConfig], compiler: &mut Compiler) -> Vec<Self> {
        check_count(configs.len(), &mut compiler.errors);
        let slos = configs.iter().enumerate();
        slos.map(|(index, config)| Self::of(config, &format!("slos[{index}]"), compiler)).collect()
    }

    fn of(config: &SloConfig, path: &str, compiler: &mut Compiler) -> Self {
        Self {
            filter: config
                .filter
                .as_ref()
                .and_then(|filter| compiler.filter(filter, Phase::End, &format!("{path}.filter"))),
            latency: config.latency.map(DurationWithin::get),
            error_when: config.error_when.as_ref().and_then(|text| {
                let path = format!("{path}.errorWhen");
                compiler.expression(text, Phase::End, ResultKind::Bool, &path)
            }),
        }
    }

    /// Returns the filter; `None` if the objective covers all streams.
    #[must_use]
    pub const fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// Returns `true` if a stream was good; `None` if the objective does not cover it.
    ///
    /// Streams that the client aborted are not covered. The latency of tunnels is ignored, because
    /// their duration is not a response time.
    ///
    /// # Errors
    ///
    /// Returns an error if an expression fails. The objective then does not cover the stream.
    pub fn judge(
        &self,
        record: &Record,
        is_error: bool,
        at: &dyn Attributes,
        request: &Request,
    ) -> Result<Option<bool>, EvaluationError> {
        if record.is_abandoned() {
            return Ok(None);
        }
        let is_covered =
            self.filter.as_ref().map_or(Ok(true), |filter| filter.holds(at, request))?;
        if !is_covered {
            return Ok(None);
        }
        let is_error =
            self.error_when.as_ref().map_or(Ok(is_error), |condition| condition.holds(at))?;
        let in_time = self.latency.is_none_or(|max| record.duration <= max);
        Ok(Some(!is_error && (in_time || record.is_tunnel())))
    }
}

fn check_count(count: usize, errors: &mut ConfigErrors) {
    if count > MAX {
        errors.add("slos", format_args!("must have at most {MAX} entries, got {count}"));
    }
}
