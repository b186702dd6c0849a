//! Objectives: which streams they are about, and which of those are good.

use std::time::Duration;

use filter_core::{ConfigErrors, DurationWithin, Request};

use crate::{
    config::SloConfig,
    expression::{Attributes, EvaluationError, Expression, Phase, ResultKind},
    policy::compiler::Compiler,
    signals::filter::Filter,
    stream::record::Record,
};

/// An objective, ready to judge streams.
#[derive(Debug)]
pub struct Slo {
    filter: Option<Filter>,
    latency: Option<Duration>,
    error_when: Option<Expression>,
}

/// The most objectives of a document.
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

    /// Returns what it is about, where it is not about every stream.
    #[must_use]
    pub const fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// Says whether a stream was good; `None` where the objective is not about it.
    ///
    /// A stream that the client left is nobody's fault, and counts for no objective. The end of a
    /// tunnel says nothing of how long an answer took.
    ///
    /// # Errors
    ///
    /// Where an expression fails; then the objective is not about the stream.
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
        let is_selected = self.filter.as_ref().map_or(Ok(true), |it| it.holds(at, request))?;
        if !is_selected {
            return Ok(None);
        }
        let is_error = self.error_when.as_ref().map_or(Ok(is_error), |it| it.holds(at))?;
        let in_time = self.latency.is_none_or(|most| record.duration <= most);
        Ok(Some(!is_error && (in_time || record.is_tunnel())))
    }
}

fn check_count(count: usize, errors: &mut ConfigErrors) {
    if count > MAX {
        errors.add("slos", format_args!("must have at most {MAX} entries, got {count}"));
    }
}
