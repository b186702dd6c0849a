//! The words that every Weir filter shares, as types.
//!
//! Nothing here knows that a proxy exists: no clock, no randomness, no logging, no I/O.
