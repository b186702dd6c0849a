//! The requests sent to both filters. They are the same in every run, except for times and keys.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use tests::{client::Request, keys::Keys};

use super::{
    flaws::{CLAIMS_FLAWS, Flaw, HEADER_FLAWS, TOKEN_FLAWS},
    locations::{COMMON, Location, UNUSUAL},
    token_builder::TokenBuilder,
};

/// Number of requests with two flaws per setting, in addition to those with at most one.
const TWO_FLAW_CASES: usize = 100;

const ASYMMETRIC: &[Algorithm] = &[
    Algorithm::ES256,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
const SECRET: &[Algorithm] = &[Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];

/// A request and its traits.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// The algorithm, the token's location and the flaws.
    pub(super) traits: Vec<String>,
    /// The request.
    pub(super) request: Request,
}

impl Case {
    /// Returns `true` if the request has one of these traits.
    pub(super) fn has(&self, traits: &[&str]) -> bool {
        self.traits.iter().any(|own| traits.contains(&own.as_str()))
    }
}

/// A random number generator (SplitMix64) with a fixed seed.
#[derive(Debug)]
struct Rng(u64);

impl Rng {
    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let count = u64::try_from(from.len()).ok()?;
        let drawn = (mixed ^ (mixed >> 31)).checked_rem(count)?;
        from.get(usize::try_from(drawn).ok()?)
    }
}

/// Returns the cases of the setting with this index, which is also the seed.
pub(super) fn cases(setting: usize, secret: bool, keys: &Keys) -> Result<Vec<Case>> {
    let mut rng = Rng(u64::try_from(setting)?);
    let algorithms = if secret { SECRET } else { ASYMMETRIC };
    let flaws: Vec<Flaw> = [HEADER_FLAWS, CLAIMS_FLAWS, TOKEN_FLAWS].concat();
    let locations: Vec<Location> = [COMMON, UNUSUAL].concat();
    let mut builder = CaseBuilder { keys, second_tokens: Vec::new() };
    let mut cases = Vec::new();
    for algorithm in algorithms {
        for location in COMMON {
            cases.push(builder.case(*algorithm, &[], location)?);
        }
    }
    for flaw in &flaws {
        let algorithm = rng.pick(algorithms).unwrap_or(&Algorithm::ES256);
        let other_location = rng.pick(COMMON).copied();
        for location in COMMON.first().copied().into_iter().chain(other_location) {
            cases.push(builder.case(*algorithm, &[*flaw], &location)?);
        }
    }
    for location in UNUSUAL {
        cases.push(builder.case(Algorithm::ES256, &[], location)?);
        let flaw = rng.pick(&flaws).copied();
        cases.push(builder.case(Algorithm::ES256, &Vec::from_iter(flaw), location)?);
    }
    for _ in 0..TWO_FLAW_CASES {
        let algorithm = rng.pick(algorithms).unwrap_or(&Algorithm::ES256);
        let two_flaws = [HEADER_FLAWS, CLAIMS_FLAWS, CLAIMS_FLAWS, TOKEN_FLAWS];
        let two_flaws = [rng.pick(&two_flaws), rng.pick(&two_flaws)].into_iter().flatten();
        let two_flaws: Vec<Flaw> = two_flaws.filter_map(|table| rng.pick(table).copied()).collect();
        let common = rng.pick(&[COMMON, COMMON, &locations]).copied().unwrap_or(COMMON);
        if let Some(location) = rng.pick(common) {
            cases.push(builder.case(*algorithm, &two_flaws, location)?);
        }
    }
    Ok(cases)
}

/// Creates cases, with the second token cached per algorithm.
struct CaseBuilder<'a> {
    keys: &'a Keys,
    second_tokens: Vec<(Algorithm, String)>,
}

impl CaseBuilder<'_> {
    fn case(&mut self, algorithm: Algorithm, flaws: &[Flaw], location: &Location) -> Result<Case> {
        let mut token_builder = TokenBuilder::valid(algorithm, self.keys);
        let mut traits = vec![format!("{algorithm:?}"), location.0.to_owned()];
        for (name, change) in flaws {
            change(&mut token_builder);
            traits.push((*name).to_owned());
        }
        let request = location.1(&token_builder.sign(self.keys)?, &self.second_token(algorithm)?);
        Ok(Case { traits, request })
    }

    /// Returns a valid token of another subject.
    fn second_token(&mut self, algorithm: Algorithm) -> Result<String> {
        if let Some((_, token)) = self.second_tokens.iter().find(|(signed, _)| *signed == algorithm)
        {
            return Ok(token.clone());
        }
        let mut second_token = TokenBuilder::valid(algorithm, self.keys);
        second_token.claims.set("sub", "\"bob\"");
        let token = second_token.sign(self.keys)?;
        self.second_tokens.push((algorithm, token.clone()));
        Ok(token)
    }
}
