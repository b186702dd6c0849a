//! Filters that select streams.

use crate::{
    config::FilterConfig,
    expression::{
        AttributeTable, Attributes, EvaluationError, Expression, Phase, ResultKind, Slot,
    },
};
use filter_core::{
    ConfigErrors, HttpMatch, Matcher, MatcherOptions, Needs, PathNormalization, Request,
};

/// A compiled filter.
#[derive(Clone, Debug)]
pub struct Filter(Rule);

#[derive(Clone, Debug)]
enum Rule {
    Expression(Expression),
    Match(Box<Matcher>),
}

/// Inputs to the compilation of a filter.
#[derive(Clone, Copy, Debug)]
pub struct FilterContext<'a> {
    /// The path of the field for error messages.
    pub path: &'a str,
    /// The phase in which the filter is evaluated.
    pub phase: Phase,
    /// The path normalization before matching.
    pub normalization: PathNormalization,
}

impl Filter {
    /// Compiles a filter; `None` if it is invalid. Errors are added to `errors`.
    pub fn compile(
        config: &FilterConfig,
        context: &FilterContext<'_>,
        reads: &mut AttributeTable,
        errors: &mut ConfigErrors,
    ) -> Option<Self> {
        match (&config.expression, &config.r#match) {
            (Some(text), None) => {
                let compiled =
                    Expression::compile(text.as_str(), context.phase, ResultKind::Bool, reads);
                let compiled = compiled.map_err(|error| {
                    errors.add(format_args!("{}.expression", context.path), error);
                });
                compiled.ok().map(|condition| Self(Rule::Expression(condition)))
            }
            (None, Some(matches)) => {
                let matcher = match_any(matches, context, errors)?;
                Some(Self(Rule::Match(Box::new(matcher))))
            }
            _ => {
                errors.add(context.path, "must have either expression or match");
                None
            }
        }
    }

    /// Returns the parts of a request that must be read before evaluation.
    #[must_use]
    pub fn needs(&self) -> Option<&Needs> {
        match &self.0 {
            Rule::Expression(_) => None,
            Rule::Match(matcher) => Some(matcher.needs()),
        }
    }

    /// Returns the slots of the attributes that it may read.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        match &self.0 {
            Rule::Expression(condition) => condition.slots(),
            Rule::Match(_) => &[],
        }
    }

    /// Returns `true` if the filter matches a stream and its request.
    ///
    /// # Errors
    ///
    /// Returns an error if the expression fails. The stream then counts as not matching.
    pub fn holds(&self, at: &dyn Attributes, request: &Request) -> Result<bool, EvaluationError> {
        match &self.0 {
            Rule::Expression(condition) => condition.holds(at),
            Rule::Match(matcher) => Ok(matcher.sure_match(request).is_some()),
        }
    }
}

fn match_any(
    matches: &[HttpMatch],
    context: &FilterContext<'_>,
    errors: &mut ConfigErrors,
) -> Option<Matcher> {
    let field = format!("{}.match", context.path);
    let options =
        MatcherOptions { normalization: context.normalization, ..MatcherOptions::new(&field) };
    let compiled = Matcher::compile_list(matches, &options);
    compiled.map_err(|invalid| errors.extend(invalid)).ok()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use filter_core::{Headers, parse_config};

    use super::*;
    use crate::expression::{AttributeCache, Value};

    struct Code(AttributeCache);

    impl Attributes for Code {
        fn value(&self, slot: Slot) -> Option<&Value> {
            self.0.get(slot, || Some(Value::Int(503)))
        }
    }

    fn compile(document: &str, phase: Phase) -> Result<(Filter, AttributeTable), String> {
        let config: FilterConfig =
            parse_config(document.as_bytes()).map_err(|error| error.to_string())?;
        let (mut reads, mut errors) = (AttributeTable::default(), ConfigErrors::default());
        let normalization = PathNormalization::None;
        let context = FilterContext { path: "slos[0].filter", phase, normalization };
        let filter = Filter::compile(&config, &context, &mut reads, &mut errors);
        match filter {
            Some(filter) => Ok((filter, reads)),
            None => Err(errors.finish(()).unwrap_err().to_string()),
        }
    }

    #[test]
    fn expressions_and_matches_are_evaluated() {
        let headers = Headers::from_iter([(":path", "/a?b"), ("x", "1")]);
        let request = Request { headers, ..Request::default() };
        for (document, holds) in [
            (r#"{"expression": "response.code >= 500"}"#, true),
            (r#"{"expression": "response.code < 500"}"#, false),
            (r#"{"match": []}"#, true),
            (r#"{"match": [{"uri": {"exact": "/b"}}, {"headers": {"x": {"exact": "1"}}}]}"#, true),
            (r#"{"match": [{"uri": {"exact": "/b"}}]}"#, false),
        ] {
            let (filter, reads) = compile(document, Phase::End).unwrap();
            let stream = Code(reads.new_cache());
            assert_eq!(filter.holds(&stream, &request), Ok(holds), "{document}");
            assert_eq!(filter.needs().is_some(), document.contains("match"));
            assert_eq!(filter.slots().is_empty(), document.contains("match"));
        }
    }

    #[test]
    fn errors_name_the_field() {
        for (document, message) in [
            ("{}", "slos[0].filter: must have either expression or match"),
            (
                r#"{"expression": "true", "match": []}"#,
                "slos[0].filter: must have either expression or match",
            ),
            (
                r#"{"expression": "request.method"}"#,
                "slos[0].filter.expression: must be an expression of kind bool, got string",
            ),
            (r#"{"match": [{}, {"any": []}]}"#, "slos[0].filter.match[1].any: must not be empty"),
        ] {
            assert_eq!(compile(document, Phase::End).err().as_deref(), Some(message));
        }
        let early = compile(r#"{"expression": "response.code > 1"}"#, Phase::Request);
        assert!(
            early.is_err_and(|error| error.contains("only available at the end of the stream"))
        );
    }
}
