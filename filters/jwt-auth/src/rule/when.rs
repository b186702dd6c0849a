//! Conditions on claims, as in `when` of Istio's AuthorizationPolicy.

use std::rc::Rc;

use filter_core::{ClaimPath, ConfigErrors, StringMatch};

use super::{
    pattern::{Pattern, ValueMatch},
    principal::{Principal, PrincipalPattern},
};
use crate::{
    config::{NonEmpty, WhenConfig},
    provider::Provider,
    token::{Claims, JsonRef},
};

/// A condition, or several of which one must be met.
#[derive(Clone, Debug)]
pub(super) enum When {
    Claim { key: Key, required: Vec<ValueMatch>, refused: Vec<Pattern> },
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
    /// The issuers of `jwtRules`, which must not impersonate each other.
    issuers: Vec<Box<str>>,
}

/// The claim that a condition reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Key {
    Audiences,
    Claim(ClaimPath),
}

const MAX_DEPTH: usize = 8;

impl When {
    pub(super) fn compile(
        config: &WhenConfig,
        issuers: &[Box<str>],
        path: &str,
        errors: &mut ConfigErrors,
    ) -> Self {
        Self::compile_within(config, issuers, path, MAX_DEPTH, errors)
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
        let has_only_any = config.key.is_none()
            && config.values.is_none()
            && config.not_values.is_none()
            && config.matches.is_none();
        if !has_only_any {
            errors.add(path, "must have either any or key, got both");
        }
        if inner.is_empty() {
            errors.add(format!("{path}.any"), "must not be empty");
        }
        let Some(depth) = depth.checked_sub(1) else {
            errors.add(path, "must be nested at most 8 deep");
            return Self::Any(Vec::new());
        };
        let compile = |(index, inner)| {
            Self::compile_within(inner, issuers, &format!("{path}.any[{index}]"), depth, errors)
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
        let values = config.values.as_ref().map(|list| ValueMatch::AnyOf(patterns(list)));
        let matches = config.matches.clone().map(ValueMatch::Condition);
        Self::Claim {
            key,
            required: values.into_iter().chain(matches).collect(),
            refused: config.not_values.as_ref().map(patterns).unwrap_or_default(),
        }
    }

    pub(super) fn is_met(&self, claims: &Claims, provider: &Provider) -> bool {
        match self {
            Self::Any(inner) => inner.iter().any(|when| when.is_met(claims, provider)),
            Self::Principal(condition) => condition.is_met(&Principal::of(claims)),
            Self::Claim { key, required, refused } => {
                let Values { texts, is_comparable } = key.values(claims, provider);
                let matches = |pattern: &Pattern| texts.iter().any(|text| pattern.matches(text));
                required.iter().all(|value| texts.iter().any(|text| value.matches(text)))
                    && !refused.iter().any(matches)
                    && (is_comparable || refused.is_empty())
            }
        }
    }

    /// Returns the name of the claim; `None` for several conditions.
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

    fn is_met(&self, principal: &Principal<'_>) -> bool {
        let any_matches = |list: &Vec<PrincipalPattern>| list.iter().any(|p| p.matches(principal));
        let condition_matches = |condition: &StringMatch| {
            let text = principal.unambiguous(&self.issuers);
            text.is_some_and(|text| condition.matches(Some(text.as_bytes())))
        };
        self.values.as_ref().is_none_or(any_matches)
            && self.matches.as_ref().is_none_or(condition_matches)
            && !self.not_values.iter().any(|pattern| pattern.may_match(principal))
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
                let space_delimited = provider.space_delimited.contains(path);
                let claim = claims.find(path);
                claim.map_or_else(|| Values::all([]), |claim| Values::of(claim, space_delimited))
            }
        }
    }
}

/// The values of a claim, as text.
struct Values {
    texts: Vec<String>,
    /// `true` if all values can be compared: no object and no list inside a list.
    is_comparable: bool,
}

impl Values {
    fn of(claim: JsonRef<'_>, space_delimited: bool) -> Self {
        let text = |value: JsonRef<'_>| value.scalar_text().map(String::from);
        if let Some(elements) = claim.elements() {
            return Self::all(elements.map(text));
        }
        match claim.as_str() {
            Some(words) if space_delimited => {
                Self::all(words.split_whitespace().map(|word| Some(word.to_owned())))
            }
            _ => Self::all([text(claim)]),
        }
    }

    fn all(values: impl IntoIterator<Item = Option<String>>) -> Self {
        let mut all = Self { texts: Vec::new(), is_comparable: true };
        for value in values {
            all.is_comparable &= value.is_some();
            all.texts.extend(value);
        }
        all
    }
}
