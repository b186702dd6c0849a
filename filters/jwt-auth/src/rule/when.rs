//! Conditions on claims, in the words of AuthorizationPolicy.

use std::rc::Rc;

use filter_core::{ClaimPath, ConfigErrors, StringMatch};

use super::{
    pattern::{Comparison, Pattern},
    principal::{Principal, PrincipalPattern},
};
use crate::{
    config::{NonEmpty, WhenConfig},
    provider::Provider,
    token::{Claims, JsonRef},
};

/// A condition, or several of which one must hold.
#[derive(Clone, Debug)]
pub(super) enum When {
    Claim { key: Key, wanted: Vec<Comparison>, refused: Vec<Pattern> },
    Principal(Box<PrincipalCondition>),
    Any(Vec<When>),
}

/// A condition on `<iss>/<sub>`.
#[derive(Clone, Debug)]
pub(super) struct PrincipalCondition {
    /// `None` if any value is accepted.
    values: Option<Vec<PrincipalPattern>>,
    not_values: Vec<PrincipalPattern>,
    matches: Option<StringMatch>,
    /// The issuers of `jwtRules`; none may impersonate another.
    issuers: Vec<Box<str>>,
}

/// What a condition looks at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Key {
    Audiences,
    Claim(ClaimPath),
}

const DEEPEST: usize = 8;

impl When {
    pub(super) fn compile(
        config: &WhenConfig,
        issuers: &[Box<str>],
        path: &str,
        errors: &mut ConfigErrors,
    ) -> Self {
        Self::compile_within(config, issuers, path, DEEPEST, errors)
    }

    fn compile_within(
        config: &WhenConfig,
        issuers: &[Box<str>],
        path: &str,
        depth: usize,
        errors: &mut ConfigErrors,
    ) -> Self {
        let Some(inner) = &config.any else {
            return Self::claim(config, issuers, path, errors);
        };
        let alone = config.key.is_none()
            && config.values.is_none()
            && config.not_values.is_none()
            && config.matches.is_none();
        if !alone {
            errors.add(path, "must have either any or key, got both");
        }
        if inner.is_empty() {
            errors.add(format!("{path}.any"), "must not be empty");
        }
        let Some(below) = depth.checked_sub(1) else {
            errors.add(path, "must be nested at most 8 deep");
            return Self::Any(Vec::new());
        };
        let compile = |(place, inner)| {
            Self::compile_within(inner, issuers, &format!("{path}.any[{place}]"), below, errors)
        };
        Self::Any(inner.iter().enumerate().map(compile).collect())
    }

    fn claim(
        config: &WhenConfig,
        issuers: &[Box<str>],
        path: &str,
        errors: &mut ConfigErrors,
    ) -> Self {
        if config.values.is_none() && config.not_values.is_none() && config.matches.is_none() {
            errors.add(path, "must have values, notValues or match");
        }
        for (field, list) in [("values", &config.values), ("notValues", &config.not_values)] {
            if list.as_ref().is_some_and(Vec::is_empty) {
                errors.add(format!("{path}.{field}"), "must not be empty");
            }
        }
        if config.key.as_deref() == Some(PRINCIPAL) {
            return Self::Principal(Box::new(PrincipalCondition::new(config, issuers)));
        }
        let Some(key) = config.key.as_deref().and_then(Key::new) else {
            errors.add(format!("{path}.key"), WRONG_KEY);
            return Self::Any(Vec::new());
        };
        let patterns = |list: &Vec<NonEmpty>| -> Vec<Pattern> {
            list.iter().map(|text| Pattern::new(text.as_str())).collect()
        };
        let wanted = config.values.as_ref().map(|list| Comparison::AnyOf(patterns(list)));
        let matched = config.matches.clone().map(Comparison::Fulfils);
        Self::Claim {
            key,
            wanted: wanted.into_iter().chain(matched).collect(),
            refused: config.not_values.as_ref().map(patterns).unwrap_or_default(),
        }
    }

    pub(super) fn holds(&self, claims: &Claims, provider: &Provider) -> bool {
        match self {
            Self::Any(inner) => inner.iter().any(|when| when.holds(claims, provider)),
            Self::Principal(condition) => condition.holds(&Principal::of(claims)),
            Self::Claim { key, wanted, refused } => {
                let Values { texts, is_readable } = key.values(claims, provider);
                let fits = |pattern: &Pattern| texts.iter().any(|text| pattern.fits(text));
                wanted.iter().all(|one| texts.iter().any(|text| one.holds(text)))
                    && !refused.iter().any(fits)
                    && (is_readable || refused.is_empty())
            }
        }
    }

    /// Returns the name of the claim that is looked at; of several conditions, none.
    pub(super) fn claim_name(&self) -> Option<Rc<str>> {
        match self {
            Self::Principal(_) => Some("iss, sub".into()),
            Self::Claim { key: Key::Audiences, .. } => Some("aud".into()),
            Self::Claim { key: Key::Claim(path), .. } => Some(path.to_string().into()),
            Self::Any(_) => None,
        }
    }
}

impl PrincipalCondition {
    fn new(config: &WhenConfig, issuers: &[Box<str>]) -> Self {
        let patterns = |list: &Vec<NonEmpty>| -> Vec<PrincipalPattern> {
            list.iter().map(|text| PrincipalPattern::new(text.as_str(), issuers)).collect()
        };
        Self {
            values: config.values.as_ref().map(patterns),
            not_values: config.not_values.as_ref().map(patterns).unwrap_or_default(),
            matches: config.matches.clone(),
            issuers: issuers.to_vec(),
        }
    }

    fn holds(&self, principal: &Principal<'_>) -> bool {
        let fits = |list: &Vec<PrincipalPattern>| list.iter().any(|p| p.fits(principal));
        let fulfils = |condition: &StringMatch| {
            let text = principal.unambiguous(&self.issuers);
            text.is_some_and(|text| condition.matches(Some(text.as_bytes())))
        };
        self.values.as_ref().is_none_or(fits)
            && self.matches.as_ref().is_none_or(fulfils)
            && !self.not_values.iter().any(|pattern| pattern.may_fit(principal))
    }
}

const PRINCIPAL: &str = "request.auth.principal";
const WRONG_KEY: &str = "must be request.auth.principal, request.auth.audiences, \
    request.auth.presenter or request.auth.claims[..]; conditions on the request itself belong to \
    match";

impl Key {
    fn new(text: &str) -> Option<Self> {
        match text.strip_prefix("request.auth.")? {
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

    fn values(&self, claims: &Claims, provider: &Provider) -> Values {
        match self {
            Self::Audiences => Values::all(claims.audiences().map(|text| Some(text.to_owned()))),
            Self::Claim(path) => {
                let spaced = provider.spaced.contains(path);
                let claim = claims.find(path);
                claim.map_or_else(|| Values::all([]), |claim| Values::of(claim, spaced))
            }
        }
    }
}

/// The values of a claim as text.
struct Values {
    texts: Vec<String>,
    /// `true` if every value is text; an object, or a list inside a list, cannot be compared.
    is_readable: bool,
}

impl Values {
    fn of(claim: JsonRef<'_>, spaced: bool) -> Self {
        let text = |value: JsonRef<'_>| value.scalar_text().map(String::from);
        if let Some(elements) = claim.elements() {
            return Self::all(elements.map(text));
        }
        match claim.as_str() {
            Some(words) if spaced => {
                Self::all(words.split_whitespace().map(|word| Some(word.to_owned())))
            }
            _ => Self::all([text(claim)]),
        }
    }

    fn all(values: impl IntoIterator<Item = Option<String>>) -> Self {
        let mut all = Self { texts: Vec::new(), is_readable: true };
        for value in values {
            all.is_readable &= value.is_some();
            all.texts.extend(value);
        }
        all
    }
}
