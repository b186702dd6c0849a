mod meaning;
mod refused;
mod speed;

use serde_json::{Value, json};

use super::*;
use crate::{Headers, InvalidConfig};

/// Reads rules written as a list of lists of matches.
fn rules(document: &Value) -> Vec<Vec<HttpMatch>> {
    serde_json::from_value(document.clone()).unwrap()
}

/// Compiles rules of which several may match.
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
    matcher(&json!([[entry]])).first_match(request).is_some()
}
