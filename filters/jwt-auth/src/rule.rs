//! Which tokens a request needs.

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

/// One rule of the policy.
#[derive(Debug)]
pub(crate) struct Rule {
    /// What logs call it; absent for the rule that is implied without `rules`.
    pub(crate) name: Option<Rc<str>>,
    pub(crate) need: TokenNeed,
    /// Providers of which each must vouch for a token, by index; empty if any will do.
    pub(crate) all: Vec<usize>,
    /// The locations of the rule's providers, in the order in which they are looked at.
    pub(crate) places: Vec<Place>,
    /// Replaces the audiences of the providers.
    pub(crate) audiences: Option<Audiences>,
    pub(crate) conditions: Conditions,
}

/// A location, and the providers that take tokens from it, by index.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) location: Location,
    pub(crate) providers: Vec<usize>,
}

impl Rule {
    /// Makes the rule that is implied without `rules`: no token is fine, a bad one is refused.
    pub(crate) fn implied(providers: &[Provider]) -> Self {
        let every: Vec<usize> = (0..providers.len()).collect();
        Self {
            name: None,
            need: TokenNeed::Optional,
            all: Vec::new(),
            places: Place::of(providers, &every),
            audiences: None,
            conditions: Conditions::default(),
        }
    }

    /// Iterates over the names of the headers that hold the rule's tokens.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| place.location.header())
    }
}

impl Place {
    fn of(providers: &[Provider], named: &[usize]) -> Vec<Self> {
        let mut places: Vec<Self> = Vec::new();
        for index in named {
            let locations = providers.get(*index).map(|provider| provider.locations.as_slice());
            for location in locations.unwrap_or_default() {
                match places.iter_mut().find(|place| place.location == *location) {
                    Some(place) => place.providers.push(*index),
                    None => {
                        let location = location.clone();
                        places.push(Self { location, providers: vec![*index] });
                    }
                }
            }
        }
        // Within a kind the order of the document stays; a stable sort is 6 kB of code.
        let mut of_rank = |rank| -> Vec<Self> {
            places.extract_if(.., |place| place.location.rank() == rank).collect()
        };
        (0..=2).flat_map(&mut of_rank).collect()
    }
}
