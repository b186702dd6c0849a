//! Which requests a rule is about.

mod condition;
mod http_match;
mod index;
mod matcher;
mod matches;
mod needs;
mod request;
mod shadow;

pub use crate::matching::{
    http_match::{HttpMatch, SourceMatch},
    matcher::{Captures, Matcher, MatcherOptions, Shadowed},
    matches::Matches,
    needs::Needs,
    request::Request,
};

#[cfg(test)]
mod tests;
