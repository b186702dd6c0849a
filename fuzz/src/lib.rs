//! What the fuzz targets share: how bytes become requests, which policies they meet, and what holds
//! of every header that a filter writes.
//!
//! Inputs are text in the form of HTTP messages wherever that is possible, so that a seed can be
//! written by hand and a failing input can be read.

pub mod legal;
pub mod message;
pub mod policies;
pub mod servers;
pub mod tokens;
pub mod values;
