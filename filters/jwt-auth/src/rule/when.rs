//! Conditions on claims, in the words of AuthorizationPolicy.

use std::rc::Rc;

use filter_core::{ClaimPath, Problems};

use super::pattern::{Comparison, Pattern};
use crate::{
    config::{NonEmpty, WhenConfig},
    provider::Provider,
    token::{Claims, JsonRef},
};

/// A condition, or several of which one must hold.
#[derive(Clone, Debug)]
pub(super) enum When {
    Claim { key: Key, wanted: Vec<Comparison>, refused: Vec<Pattern> },
    Any(Vec<When>),
}

/// What a condition looks at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Key {
    Principal,
    Audiences,
    Claim(ClaimPath),
}

const DEEPEST: usize = 8;

impl When {
    pub(super) fn compile(config: &WhenConfig, path: &str, problems: &mut Problems) -> Self {
        Self::compile_within(config, path, DEEPEST, problems)
    }

    fn compile_within(
        config: &WhenConfig,
        path: &str,
        depth: usize,
        problems: &mut Problems,
    ) -> Self {
        let Some(inner) = &config.any else { return Self::claim(config, path, problems) };
        let alone = config.key.is_none()
            && config.values.is_none()
            && config.not_values.is_none()
            && config.matches.is_none();
        if !alone {
            problems.add(path, "must have either any or key, got both");
        }
        if inner.is_empty() {
            problems.add(format!("{path}.any"), "must not be empty");
        }
        let Some(below) = depth.checked_sub(1) else {
            problems.add(path, "must be nested at most 8 deep");
            return Self::Any(Vec::new());
        };
        let compile = |(place, inner)| {
            Self::compile_within(inner, &format!("{path}.any[{place}]"), below, problems)
        };
        Self::Any(inner.iter().enumerate().map(compile).collect())
    }

    fn claim(config: &WhenConfig, path: &str, problems: &mut Problems) -> Self {
        let key = config.key.as_deref().and_then(Key::new);
        if key.is_none() {
            problems.add(format!("{path}.key"), WRONG_KEY);
        }
        if config.values.is_none() && config.not_values.is_none() && config.matches.is_none() {
            problems.add(path, "must have values, notValues or match");
        }
        for (field, list) in [("values", &config.values), ("notValues", &config.not_values)] {
            if list.as_ref().is_some_and(Vec::is_empty) {
                problems.add(format!("{path}.{field}"), "must not be empty");
            }
        }
        let patterns = |list: &Vec<NonEmpty>| -> Vec<Pattern> {
            list.iter().map(|text| Pattern::new(text.as_str())).collect()
        };
        let wanted = config.values.as_ref().map(|list| Comparison::AnyOf(patterns(list)));
        let matched = config.matches.clone().map(Comparison::Fulfils);
        Self::Claim {
            key: key.unwrap_or(Key::Principal),
            wanted: wanted.into_iter().chain(matched).collect(),
            refused: config.not_values.as_ref().map(patterns).unwrap_or_default(),
        }
    }

    pub(super) fn holds(&self, claims: &Claims, provider: &Provider) -> bool {
        match self {
            Self::Any(inner) => inner.iter().any(|when| when.holds(claims, provider)),
            Self::Claim { key, wanted, refused } => {
                let values = key.values(claims, provider);
                let fits = |pattern: &Pattern| values.iter().any(|value| pattern.fits(value));
                wanted.iter().all(|one| values.iter().any(|value| one.holds(value)))
                    && !refused.iter().any(fits)
            }
        }
    }

    /// Returns the name of the claim that is looked at; of several conditions, none.
    pub(super) fn claim_name(&self) -> Option<Rc<str>> {
        match self {
            Self::Claim { key: Key::Principal, .. } => Some("iss, sub".into()),
            Self::Claim { key: Key::Audiences, .. } => Some("aud".into()),
            Self::Claim { key: Key::Claim(path), .. } => Some(path.to_string().into()),
            Self::Any(_) => None,
        }
    }
}

const WRONG_KEY: &str = "must be request.auth.principal, request.auth.audiences, \
    request.auth.presenter or request.auth.claims[..]; conditions on the request itself belong to \
    match";

impl Key {
    fn new(text: &str) -> Option<Self> {
        match text.strip_prefix("request.auth.")? {
            "principal" => Some(Self::Principal),
            "audiences" => Some(Self::Audiences),
            "presenter" => "azp".parse().ok().map(Self::Claim),
            rest => {
                let claim = rest.strip_prefix("claims")?;
                let path = match claim.strip_prefix('.') {
                    Some(dotted) => dotted,
                    None => claim.starts_with('[').then_some(claim)?,
                };
                path.parse().ok().map(Self::Claim)
            }
        }
    }

    fn values(&self, claims: &Claims, provider: &Provider) -> Vec<String> {
        match self {
            Self::Principal => claims.principal().into_iter().collect(),
            Self::Audiences => claims.audiences().map(ToOwned::to_owned).collect(),
            Self::Claim(path) => {
                let spaced = provider.spaced.contains(path);
                claims.find(path).map_or_else(Vec::new, |claim| texts(claim, spaced))
            }
        }
    }
}

fn texts(claim: JsonRef<'_>, spaced: bool) -> Vec<String> {
    if let Some(elements) = claim.elements() {
        return elements.filter_map(JsonRef::scalar_text).map(String::from).collect();
    }
    match claim.as_str() {
        Some(text) if spaced => text.split_whitespace().map(ToOwned::to_owned).collect(),
        _ => claim.scalar_text().map(String::from).into_iter().collect(),
    }
}
