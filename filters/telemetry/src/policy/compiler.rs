//! What the parts of a document are compiled with.

use filter_core::{ConfigErrors, PathNormalization, Warning};

use crate::{
    config::{ExpressionText, FilterConfig},
    expression::{AttributeTable, Expression, Phase, ResultKind},
    signals::filter::{Filter, FilterContext},
};

/// What every part of a document is compiled with.
#[derive(Debug, Default)]
pub(crate) struct Compiler {
    /// What the document reads.
    pub(crate) reads: AttributeTable,
    /// What is wrong with the document.
    pub(crate) errors: ConfigErrors,
    /// What an operator may not have meant.
    pub(crate) warnings: Vec<Warning>,
    /// What is done to a path before it is matched.
    pub(crate) normalization: PathNormalization,
}

impl Compiler {
    /// Compiles something to which it is the same when a request's headers are read.
    pub(crate) fn late<T>(&mut self, compile: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.reads.set_late(true);
        let compiled = compile(self);
        self.reads.set_late(before);
        compiled
    }

    /// Compiles an expression; `None` where it is refused.
    pub(crate) fn expression(
        &mut self,
        text: &ExpressionText,
        phase: Phase,
        wanted: ResultKind,
        path: &str,
    ) -> Option<Expression> {
        let compiled = Expression::compile(text.as_str(), phase, wanted, &mut self.reads);
        compiled.map_err(|error| self.errors.add(path, error)).ok()
    }

    /// Compiles a filter; `None` where it is refused.
    pub(crate) fn filter(
        &mut self,
        config: &FilterConfig,
        phase: Phase,
        path: &str,
    ) -> Option<Filter> {
        let place = FilterContext { path, phase, normalization: self.normalization };
        Filter::compile(config, &place, &mut self.reads, &mut self.errors)
    }
}
