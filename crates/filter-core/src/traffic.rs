//! Selection and limiting of traffic: hashing, schedules, rate limits and error windows.

pub(crate) mod consistent_hash;
pub(crate) mod generator;
pub(crate) mod schedule;
pub(crate) mod sticky;
pub(crate) mod success_criteria;
pub(crate) mod token_bucket;
