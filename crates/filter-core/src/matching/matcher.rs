//! The matcher: compiled rules.

use std::fmt;

use super::{
    HttpMatch, Match, Matches, Needs, Request,
    condition::{self, Alternative},
    index::Index,
    shadow,
    view::{ReadingOptions, Readings, View},
};
use crate::{ConfigErrors, InvalidConfig, PathNormalization};

/// Ordered rules, each a list of matches of which one must be true.
///
/// A request is matched in all readings that its next hop may give it: the path with parameters
/// removed, escapes decoded, slashes merged or dot segments resolved, the authority without case,
/// port or trailing dot. A rule that only some readings satisfy is [`Match::Unsure`](crate::Match).
///
/// Rules that require a path prefix, a path template, or an exact path, header, cookie or query
/// parameter are indexed; only the others are scanned.
///
/// ```
/// use filter_core::{Headers, HttpMatch, Match, Matcher, MatcherOptions, Request};
///
/// let rules: Vec<Vec<HttpMatch>> =
///     serde_json::from_str(r#"[[{"uri": {"prefix": "/a/"}}], [{"headers": {"x": {}}}], []]"#)?;
/// let matcher = Matcher::compile(&rules, &MatcherOptions::new("http"))?;
///
/// let headers = Headers::from_iter([(":path", "/b?c"), ("x", "1")]);
/// let request = Request { headers, ..Request::default() };
/// assert_eq!(matcher.sure_match(&request), Some(1));
/// assert_eq!(matcher.matches(&request).collect::<Vec<_>>(), [Match::Sure(1), Match::Sure(2)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Matcher {
    pub(super) alternatives: Vec<Alternative>,
    pub(super) index: Index,
    needs: Needs,
    reading_options: ReadingOptions,
}

/// Names and values of the variables of a path template.
pub type Captures = Vec<(String, Vec<u8>)>;

/// Options for compiling rules.
#[derive(Clone, Copy, Debug)]
pub struct MatcherOptions<'a> {
    /// Field that contains the rules in the configuration, for error paths.
    pub list: &'a str,
    /// Field of a rule that contains its matches, for error paths; empty if the rule is the list.
    pub field: &'a str,
    /// Normalization of a path before it is matched.
    pub normalization: PathNormalization,
    /// Treatment of unreachable rules.
    pub shadowed: Shadowed,
    /// Treatment of a value that occurs several times.
    pub occurrences: Occurrences,
}

/// Treatment of a header, query parameter or cookie that occurs several times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Occurrences {
    /// One value that satisfies the condition is enough. Query parameters and cookies have one
    /// reading.
    Any,
    /// All values must agree, in all readings of query parameters and cookies; otherwise the answer
    /// is unsure. For access control.
    Agreeing,
}

/// Treatment of a rule that is never reached because an earlier rule always matches first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shadowed {
    /// An error, for filters that use only the first matching rule.
    Refused,
    /// Allowed, for filters that use several matching rules.
    Allowed,
}

/// Maximum number of rules.
const MAX_RULES: usize = 1024;
/// Maximum number of matches in all rules; limits the cost of comparing all pairs.
const MAX_ALTERNATIVES: usize = 4096;
/// Maximum nesting depth of `any`, `all` and `not`, including the outermost match.
const MAX_DEPTH: usize = 8;

impl<'a> MatcherOptions<'a> {
    /// Creates options for rules in the field `list`, with their matches in the field `match`.
    ///
    /// Paths are not normalized, and unreachable rules are refused.
    #[must_use]
    pub const fn new(list: &'a str) -> Self {
        Self {
            list,
            field: "match",
            normalization: PathNormalization::None,
            shadowed: Shadowed::Refused,
            occurrences: Occurrences::Any,
        }
    }

    /// Like [`MatcherOptions::new`], for access control: occurrences must agree.
    #[must_use]
    pub const fn guarding(list: &'a str) -> Self {
        Self { occurrences: Occurrences::Agreeing, ..Self::new(list) }
    }

    fn rule(&self, rule: usize) -> String {
        format!("{}[{rule}]", self.list)
    }

    fn matches(&self, rule: usize) -> String {
        let dot = if self.field.is_empty() { "" } else { "." };
        format!("{}{dot}{}", self.rule(rule), self.field)
    }
}

impl Matcher {
    /// Compiles rules. A rule without matches matches every request.
    ///
    /// # Errors
    ///
    /// Fails on more than 1,024 rules or 4,096 matches, nesting deeper than 8, an empty `any`,
    /// `all` or `not`, empty names or source ranges, and unreachable rules.
    pub fn compile(
        rules: &[Vec<HttpMatch>],
        options: &MatcherOptions<'_>,
    ) -> Result<Self, InvalidConfig> {
        let mut errors = ConfigErrors::default();
        check_counts(rules, options, &mut errors);
        for (rule, entries) in rules.iter().enumerate() {
            for (index, entry) in entries.iter().enumerate() {
                let path = format_args!("{}[{index}]", options.matches(rule)).to_string();
                check(entry, &path, MAX_DEPTH, &mut errors);
            }
        }
        // Rules over the limits are not analyzed further.
        let errors = if errors.is_empty() { errors } else { return Err(errors.into()) };
        let alternatives = alternatives(rules);
        let errors = check_reach(&alternatives, options, errors);
        errors.finish(Self::of(alternatives, options))
    }

    /// Compiles a single list of matches, of which one must be true, in the field `options.list`.
    ///
    /// # Errors
    ///
    /// Fails like [`Matcher::compile`], except for unreachable matches.
    pub fn compile_list(
        list: &[HttpMatch],
        options: &MatcherOptions<'_>,
    ) -> Result<Self, InvalidConfig> {
        let options = MatcherOptions { field: "", shadowed: Shadowed::Allowed, ..*options };
        // The list becomes the only rule of a list of rules.
        let path = |path: &str| {
            let inside = path.strip_prefix(options.list).unwrap_or(path);
            format!("{}{}", options.list, inside.strip_prefix("[0]").unwrap_or(inside))
        };
        Self::compile(&[list.to_vec()], &options).map_err(|invalid| invalid.with_paths(path))
    }

    fn of(alternatives: Vec<Alternative>, options: &MatcherOptions<'_>) -> Self {
        let mut index = Index::default();
        let mut needs = Needs::default();
        for (number, alternative) in alternatives.iter().enumerate() {
            index.add(number, &alternative.conditions);
            needs.merge(&Needs::of(&alternative.conditions));
        }
        let reading_options = ReadingOptions {
            normalization: options.normalization,
            occurrences: options.occurrences,
            path: needs.path,
            authority: needs.headers.contains(":authority"),
        };
        Self { alternatives, index, needs, reading_options }
    }

    /// Returns the parts of a request that must be read.
    #[must_use]
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns the first rule that a request may satisfy, if it surely does.
    ///
    /// Also `None` if it is unsure whether an earlier rule is satisfied, which is safe for filters
    /// that do not guard access. A filter that does takes the first of [`Matcher::matches`] and
    /// refuses an unsure match.
    #[must_use]
    pub fn sure_match(&self, request: &Request) -> Option<usize> {
        self.matches(request).next().and_then(Match::sure)
    }

    /// Returns every rule that a request satisfies, surely or possibly, in order. The iterator is
    /// lazy: rules after the last requested one are not evaluated.
    #[must_use]
    pub fn matches<'m, 'r>(&'m self, request: &'r Request) -> Matches<'m, 'r> {
        Matches::new(self, Readings::new(request, self.reading_options))
    }

    /// Returns each unreachable rule with the earlier rule that always matches first. Only pairs
    /// for which `can_shadow(earlier, later)` returns `true` are considered.
    pub fn shadowed(&self, can_shadow: impl Fn(usize, usize) -> bool) -> Vec<(usize, usize)> {
        shadow::shadowed(&self.alternatives, can_shadow)
    }

    /// Returns the variables of the path template by which a request satisfies `rule`; empty if it
    /// satisfies the rule without one.
    #[must_use]
    pub fn captures(&self, rule: usize, request: &Request) -> Captures {
        let readings = Readings::new(request, self.reading_options);
        self.captures_of(rule, readings.first())
    }

    /// Returns the variables in all readings of the path that satisfy `rule`: several values of a
    /// variable if servers read it differently. Empty like [`Matcher::captures`], and if there are
    /// too many readings.
    #[must_use]
    pub fn captures_in_all_readings(&self, rule: usize, request: &Request) -> Captures {
        let readings = Readings::new(request, self.reading_options);
        if readings.is_unreadable {
            return Captures::new();
        }
        let mut captures = self.captures_of(rule, readings.first());
        if captures.is_empty() {
            return captures;
        }
        for view in readings.views().skip(1) {
            for capture in self.captures_of(rule, view) {
                if !captures.contains(&capture) {
                    captures.push(capture);
                }
            }
        }
        captures
    }

    fn captures_of(&self, rule: usize, view: View<'_, '_>) -> Captures {
        let first = self.alternatives.partition_point(|alternative| alternative.rule < rule);
        let own = self.alternatives.iter().skip(first).take_while(|own| own.rule == rule);
        let mut satisfied =
            own.filter(|alternative| condition::all(&alternative.conditions, view).is_yes());
        let path = view.path().unwrap_or_default();
        let captures = satisfied.find_map(|alternative| {
            alternative.templates().find_map(|template| template.captures(path))
        });
        let captures = captures.unwrap_or_default().into_iter();
        captures.map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
    }
}

fn alternatives(rules: &[Vec<HttpMatch>]) -> Vec<Alternative> {
    let rules = rules.iter().enumerate();
    let alternatives = rules.flat_map(|(rule, entries)| {
        let always = entries.is_empty().then(Vec::new);
        let conditions = entries.iter().map(condition::conditions).chain(always);
        conditions.map(move |conditions| Alternative { rule, conditions })
    });
    alternatives.collect()
}

fn check_counts(rules: &[Vec<HttpMatch>], options: &MatcherOptions<'_>, errors: &mut ConfigErrors) {
    let matches: usize = rules.iter().map(Vec::len).sum();
    for (count, max, items) in
        [(rules.len(), MAX_RULES, "rules"), (matches, MAX_ALTERNATIVES, "matches in all rules")]
    {
        if count > max {
            errors.add(options.list, format_args!("must have at most {max} {items}, got {count}"));
        }
    }
}

/// Checks an entry and its nested entries, up to the maximum depth.
fn check(entry: &HttpMatch, path: &str, depth: usize, errors: &mut ConfigErrors) {
    let Some(below) = depth.checked_sub(1) else {
        errors.add(path, format_args!("must be nested at most {MAX_DEPTH} deep"));
        return;
    };
    for (name, list) in [("any", &entry.any), ("all", &entry.all)] {
        if list.as_ref().is_some_and(Vec::is_empty) {
            errors.add(format_args!("{path}.{name}"), "must not be empty");
        }
        for (index, inner) in list.iter().flatten().enumerate() {
            check(inner, &format!("{path}.{name}[{index}]"), below, errors);
        }
    }
    if let Some(inner) = &entry.not {
        if inner.is_unconditional() {
            errors.add(format_args!("{path}.not"), "must not be empty, it would never match");
        }
        check(inner, &format!("{path}.not"), below, errors);
    }
    check_names(entry, path, errors);
}

fn check_names(entry: &HttpMatch, path: &str, errors: &mut ConfigErrors) {
    let names = [
        ("queryParams", &entry.query_params),
        ("cookies", &entry.cookies),
        ("attributes", &entry.attributes),
    ];
    for (field, tests) in names {
        if tests.contains_key("") {
            errors.add(format_args!("{path}.{field}"), "must not have an empty name");
        }
    }
    let ranges = entry.source.as_ref().and_then(|source| source.ip.as_ref());
    if ranges.is_some_and(Vec::is_empty) {
        errors.add(format_args!("{path}.source.ip"), "must not be empty");
    }
}

fn check_reach(
    alternatives: &[Alternative],
    options: &MatcherOptions<'_>,
    mut errors: ConfigErrors,
) -> ConfigErrors {
    if options.shadowed == Shadowed::Refused {
        for (rule, by) in shadow::shadowed(alternatives, |_, _| true) {
            errors.add(options.matches(rule), Unreachable(options.rule(by)));
        }
    }
    errors
}

struct Unreachable(String);

impl fmt::Display for Unreachable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "can never match, because {} always does before it", self.0)
    }
}
