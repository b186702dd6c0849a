//! Admits at most so many requests per time and key.
//!
//! The crate only decides: it reads no clock, shares no state and calls no proxy.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests choose their numbers"))]

mod page;
mod windows;

pub use crate::{
    page::Page,
    windows::{
        Amount, Draw, FixedCount, FixedWindow, FullAt, SlidingCounts, SlidingWindow, State,
        TokenBucket, UnsupportedRate, Window,
    },
};
