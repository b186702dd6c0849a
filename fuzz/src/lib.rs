//! Shared code of the fuzz targets: requests from bytes, policies, and properties of the headers that
//! filters write.
//!
//! Inputs are text in the form of HTTP messages where possible, so that people can write seeds and
//! read failing inputs.

pub mod legal;
pub mod message;
pub mod policies;
pub mod servers;
pub mod tokens;
pub mod values;
