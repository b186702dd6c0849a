//! A filter that does nothing: the floor under every figure of `make bench`.
//!
//! It is built from the same glue as the filters that ship, takes any configuration and lets every
//! request pass.

#[cfg(target_os = "wasi")]
mod plugin;
