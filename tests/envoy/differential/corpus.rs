//! The requests sent to both filters. They are the same in every run, except for times and keys.

use anyhow::Result;
use jsonwebtoken::Algorithm;
use tests::{client::Request, keys::Keys};

use super::{
    draft::Draft,
    flaws::{Flaw, OF_CLAIMS, OF_HEADER, OF_TEXT},
    places::{ODD, Place, USUAL},
};

/// Number of requests with two flaws per setting, in addition to those with at most one.
const MIXED: usize = 100;

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
struct Dice(u64);

impl Dice {
    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let sides = u64::try_from(from.len()).ok()?;
        let roll = (mixed ^ (mixed >> 31)).checked_rem(sides)?;
        from.get(usize::try_from(roll).ok()?)
    }
}

/// Returns the cases of the setting with this index, which is also the seed.
pub(super) fn cases(setting: usize, secret: bool, keys: &Keys) -> Result<Vec<Case>> {
    let mut dice = Dice(u64::try_from(setting)?);
    let algorithms = if secret { SECRET } else { ASYMMETRIC };
    let flaws: Vec<Flaw> = [OF_HEADER, OF_CLAIMS, OF_TEXT].concat();
    let places: Vec<Place> = [USUAL, ODD].concat();
    let mut maker = Maker { keys, others: Vec::new() };
    let mut cases = Vec::new();
    for algorithm in algorithms {
        for place in USUAL {
            cases.push(maker.case(*algorithm, &[], place)?);
        }
    }
    for flaw in &flaws {
        let algorithm = dice.pick(algorithms).unwrap_or(&Algorithm::ES256);
        let elsewhere = dice.pick(USUAL).copied();
        for place in USUAL.first().copied().into_iter().chain(elsewhere) {
            cases.push(maker.case(*algorithm, &[*flaw], &place)?);
        }
    }
    for place in ODD {
        cases.push(maker.case(Algorithm::ES256, &[], place)?);
        let flaw = dice.pick(&flaws).copied();
        cases.push(maker.case(Algorithm::ES256, &Vec::from_iter(flaw), place)?);
    }
    for _ in 0..MIXED {
        let algorithm = dice.pick(algorithms).unwrap_or(&Algorithm::ES256);
        let two = [OF_HEADER, OF_CLAIMS, OF_CLAIMS, OF_TEXT];
        let two = [dice.pick(&two), dice.pick(&two)].into_iter().flatten();
        let two: Vec<Flaw> = two.filter_map(|table| dice.pick(table).copied()).collect();
        let usual = dice.pick(&[USUAL, USUAL, &places]).copied().unwrap_or(USUAL);
        if let Some(place) = dice.pick(usual) {
            cases.push(maker.case(*algorithm, &two, place)?);
        }
    }
    Ok(cases)
}

/// Creates cases, with the second token cached per algorithm.
struct Maker<'a> {
    keys: &'a Keys,
    others: Vec<(Algorithm, String)>,
}

impl Maker<'_> {
    fn case(&mut self, algorithm: Algorithm, flaws: &[Flaw], place: &Place) -> Result<Case> {
        let mut draft = Draft::good(algorithm, self.keys);
        let mut traits = vec![format!("{algorithm:?}"), place.0.to_owned()];
        for (name, change) in flaws {
            change(&mut draft);
            traits.push((*name).to_owned());
        }
        let request = place.1(&draft.sign(self.keys)?, &self.other(algorithm)?);
        Ok(Case { traits, request })
    }

    /// Returns a valid token of another subject.
    fn other(&mut self, algorithm: Algorithm) -> Result<String> {
        if let Some((_, token)) = self.others.iter().find(|(signed, _)| *signed == algorithm) {
            return Ok(token.clone());
        }
        let mut other = Draft::good(algorithm, self.keys);
        other.claims.set("sub", "\"bob\"");
        let token = other.sign(self.keys)?;
        self.others.push((algorithm, token.clone()));
        Ok(token)
    }
}
