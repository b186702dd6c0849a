//! Rules: the tokens that requests need.

use std::rc::Rc;

use crate::{
    config::TokenNeed,
    locations::Location,
    provider::{Audiences, Provider},
};

mod compile;
mod conditions;
mod overlap;
mod pattern;
mod principal;
mod when;

pub(crate) use compile::CLAIMS_IN_MATCH;
pub(crate) use conditions::Conditions;
pub(crate) use overlap::warnings as overlaps;

/// A compiled entry of `rules`.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The name in logs; `None` for the implied rule.
    pub(crate) name: Option<Rc<str>>,
    pub(crate) need: TokenNeed,
    /// Indices of the providers of `providers.all`; empty if a token of any provider suffices.
    pub(crate) all: Vec<usize>,
    /// The locations of the rule's providers, in search order.
    pub(crate) locations: Vec<TokenLocation>,
    /// Audiences that replace those of the providers.
    pub(crate) audiences: Option<Audiences>,
    pub(crate) conditions: Conditions,
}

/// A location, and the indices of the providers that accept tokens from it.
#[derive(Debug)]
pub(crate) struct TokenLocation {
    pub(crate) location: Location,
    pub(crate) providers: Vec<usize>,
}

impl Rule {
    /// Creates the rule that is implied without `rules`: a token is optional, an invalid one is
    /// refused.
    pub(crate) fn implied(providers: &[Provider]) -> Self {
        let all: Vec<usize> = (0..providers.len()).collect();
        Self {
            name: None,
            need: TokenNeed::Optional,
            all: Vec::new(),
            locations: TokenLocation::of(providers, &all),
            audiences: None,
            conditions: Conditions::default(),
        }
    }

    /// Iterates over the names of the headers that may contain the rule's tokens.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &str> {
        self.locations.iter().map(|entry| entry.location.header())
    }
}

impl TokenLocation {
    fn of(providers: &[Provider], indices: &[usize]) -> Vec<Self> {
        let mut entries: Vec<Self> = Vec::new();
        for index in indices {
            let locations = providers.get(*index).map(|provider| provider.locations.as_slice());
            for location in locations.unwrap_or_default() {
                match entries.iter_mut().find(|entry| entry.location == *location) {
                    Some(entry) => entry.providers.push(*index),
                    None => {
                        let location = location.clone();
                        entries.push(Self { location, providers: vec![*index] });
                    }
                }
            }
        }
        // Keeps the configured order within a kind. A stable sort would add 6 kB of code.
        let mut of_rank = |rank| -> Vec<Self> {
            entries.extract_if(.., |entry| entry.location.rank() == rank).collect()
        };
        (0..=2).flat_map(&mut of_rank).collect()
    }
}
