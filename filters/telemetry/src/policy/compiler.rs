//! State that is shared while a document is compiled.

use filter_core::{ConfigErrors, PathNormalization, Warning};

use crate::{
    config::{ExpressionText, FilterConfig},
    expression::{AttributeTable, Expression, Phase, ResultKind},
    signals::filter::{Filter, FilterContext},
};

/// The results and settings that all parts of a document share while they are compiled.
#[derive(Debug, Default)]
pub(crate) struct Compiler {
    /// The attributes that the document reads.
    pub(crate) reads: AttributeTable,
    /// Errors found so far.
    pub(crate) errors: ConfigErrors,
    /// Warnings found so far.
    pub(crate) warnings: Vec<Warning>,
    /// Path normalization before matching.
    pub(crate) normalization: PathNormalization,
}

impl Compiler {
    /// Compiles a part whose request headers can be read at the end of the stream.
    pub(crate) fn late<T>(&mut self, compile: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.reads.set_late(true);
        let compiled = compile(self);
        self.reads.set_late(before);
        compiled
    }

    /// Compiles an expression; `None` if it is invalid.
    pub(crate) fn expression(
        &mut self,
        text: &ExpressionText,
        phase: Phase,
        result_kind: ResultKind,
        path: &str,
    ) -> Option<Expression> {
        let compiled = Expression::compile(text.as_str(), phase, result_kind, &mut self.reads);
        compiled.map_err(|error| self.errors.add(path, error)).ok()
    }

    /// Compiles a filter; `None` if it is invalid.
    pub(crate) fn filter(
        &mut self,
        config: &FilterConfig,
        phase: Phase,
        path: &str,
    ) -> Option<Filter> {
        let context = FilterContext { path, phase, normalization: self.normalization };
        Filter::compile(config, &context, &mut self.reads, &mut self.errors)
    }
}
