//! The only crate that talks to the proxy.
#![cfg(target_os = "wasi")]
