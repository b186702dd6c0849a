//! Matching of requests against rules.

mod answer;
mod condition;
mod http_match;
mod index;
mod matcher;
mod matches;
mod needs;
mod pairs;
pub(crate) mod path_template;
pub(crate) mod readings;
mod request;
mod shadow;
pub(crate) mod sidecar_address;
pub(crate) mod string_match;
mod view;

pub use crate::matching::{
    answer::Answer,
    http_match::{HttpMatch, SourceMatch},
    matcher::{Captures, Matcher, MatcherOptions, Occurrences, Shadowed},
    matches::{Match, Matches},
    needs::Needs,
    request::Request,
};

#[cfg(test)]
mod tests;
