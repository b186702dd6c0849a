//! Decisions about requests.

mod anonymous_keys;
mod claims;
mod explained;
mod fetched;
mod hostile;
mod locations;
mod outputs;
#[cfg(not(target_arch = "wasm32"))]
mod properties;
mod readings;
mod rules;
