mod meaning;
mod readings;
mod refused;
mod speed;

use serde_json::{Value, json};

use super::*;
use crate::{Headers, InvalidConfig};

/// Parses a list of rules, each a list of matches.
fn rules(document: &Value) -> Vec<Vec<HttpMatch>> {
    serde_json::from_value(document.clone()).unwrap()
}

/// Evaluates an entry whose occurrences must agree.
fn guarded(entry: &Value, request: &Request) -> Answer {
    let options = MatcherOptions::guarding("http");
    let matcher = Matcher::compile(&rules(&json!([[entry]])), &options).unwrap();
    match matcher.matches(request).next() {
        None => Answer::No,
        Some(Match::Unsure(_)) => Answer::Unsure,
        Some(Match::Sure(_)) => Answer::Yes,
    }
}

/// Returns the rules that a request surely satisfies.
fn sure(matcher: &Matcher, request: &Request) -> Vec<usize> {
    matcher.matches(request).filter_map(Match::sure).collect()
}

/// Compiles rules of which several can match.
fn matcher(document: &Value) -> Matcher {
    let options = MatcherOptions { shadowed: Shadowed::Allowed, ..MatcherOptions::new("http") };
    Matcher::compile(&rules(document), &options).unwrap()
}

fn compile(document: &Value) -> Result<Matcher, InvalidConfig> {
    Matcher::compile(&rules(document), &MatcherOptions::new("http"))
}

fn request<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Request {
    Request { headers: Headers::from_iter(headers), ..Request::default() }
}

fn holds(entry: &Value, request: &Request) -> bool {
    matcher(&json!([[entry]])).sure_match(request).is_some()
}
