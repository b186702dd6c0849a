//! A filter that does nothing: the baseline of `make bench`.
//!
//! It uses the same host code as the shipped filters, accepts any configuration and passes every
//! request on.

#[cfg(target_os = "wasi")]
mod plugin;
