//! All filters of Weir in one module.
//!
//! The document has a section for each filter; a filter without one does not run. A request
//! passes the filters in a fixed order, as if each were a filter of the proxy, but the header map is
//! read once, and facts such as the verified identity stay in memory.
//!
//! The crate makes no decisions: the policies are in the crates of the filters.

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests choose their numbers"))]

pub mod config;
mod event;
mod filter_stream;
mod filters;
mod plugin;

mod stream;

pub use crate::{config::Config, plugin::Suite};
