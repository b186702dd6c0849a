//! Which streams something is about.

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

/// Where in the document a filter stands, and when it is asked.
#[derive(Clone, Copy, Debug)]
pub struct FilterContext<'a> {
    /// The path of the field, for errors.
    pub path: &'a str,
    /// When it is asked.
    pub phase: Phase,
    /// What is done to a path before it is matched.
    pub normalization: PathNormalization,
}

impl Filter {
    /// Compiles a filter; `None` where it is refused, which `errors` then tells.
    pub fn compile(
        config: &FilterConfig,
        place: &FilterContext<'_>,
        reads: &mut AttributeTable,
        errors: &mut ConfigErrors,
    ) -> Option<Self> {
        match (&config.expression, &config.r#match) {
            (Some(text), None) => {
                let compiled =
                    Expression::compile(text.as_str(), place.phase, ResultKind::Bool, reads);
                let told = compiled.map_err(|error| {
                    errors.add(format_args!("{}.expression", place.path), error);
                });
                told.ok().map(|condition| Self(Rule::Expression(condition)))
            }
            (None, Some(matches)) => {
                let matcher = match_any(matches, place, errors)?;
                Some(Self(Rule::Match(Box::new(matcher))))
            }
            _ => {
                errors.add(place.path, "must have either expression or match");
                None
            }
        }
    }

    /// Returns what must be read of a request before it is asked.
    #[must_use]
    pub fn needs(&self) -> Option<&Needs> {
        match &self.0 {
            Rule::Expression(_) => None,
            Rule::Match(matcher) => Some(matcher.needs()),
        }
    }

    /// Returns the places of the attributes that it may read.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        match &self.0 {
            Rule::Expression(condition) => condition.slots(),
            Rule::Match(_) => &[],
        }
    }

    /// Says whether the filter holds for a stream and its request.
    ///
    /// # Errors
    ///
    /// Fails where an expression does; then the stream counts as one that the filter keeps out.
    pub fn holds(&self, at: &dyn Attributes, request: &Request) -> Result<bool, EvaluationError> {
        match &self.0 {
            Rule::Expression(condition) => condition.holds(at),
            Rule::Match(matcher) => Ok(matcher.sure_match(request).is_some()),
        }
    }
}

fn match_any(
    matches: &[HttpMatch],
    place: &FilterContext<'_>,
    errors: &mut ConfigErrors,
) -> Option<Matcher> {
    let field = format!("{}.match", place.path);
    let options =
        MatcherOptions { normalization: place.normalization, ..MatcherOptions::new(&field) };
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
            parse_config(document.as_bytes()).map_err(|it| it.to_string())?;
        let (mut reads, mut errors) = (AttributeTable::default(), ConfigErrors::default());
        let normalization = PathNormalization::None;
        let place = FilterContext { path: "slos[0].filter", phase, normalization };
        let filter = Filter::compile(&config, &place, &mut reads, &mut errors);
        match filter {
            Some(filter) => Ok((filter, reads)),
            None => Err(errors.finish(()).unwrap_err().to_string()),
        }
    }

    #[test]
    fn either_form_decides() {
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
    fn refusals_name_the_field() {
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
        assert!(early.is_err_and(|error| error.contains("known only when the stream has ended")));
    }
}
