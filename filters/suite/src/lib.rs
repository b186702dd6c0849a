//! All filters of Weir in one module.
//!
//! The document has a section for each filter, and a filter without one is not there. A request
//! passes the filters in a fixed order, as if each were a filter of the proxy, but the header map is
//! read once, and facts such as the verified identity stay in memory.
//!
//! The crate decides nothing: what a filter does is in its own crate.

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests choose their numbers"))]

pub mod config;
mod event;
mod filters;
mod plugin;
mod slot;
mod stream;

pub use crate::{config::Config, plugin::Suite};
