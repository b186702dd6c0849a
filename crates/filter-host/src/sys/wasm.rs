//! A proxy that implements ABI 0.2.1 of Proxy-Wasm.
//!
//! The only module that uses the SDK: its dispatcher routes callbacks to contexts, and the response
//! to a call to the context that sent it.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use proxy_wasm::{hostcalls, types::Status};

pub(crate) mod entry;
mod imports;

pub(crate) use imports::*;

use crate::host_error::{HostError, Result};

/// Sends an HTTP request to a cluster.
pub(crate) fn http_call(
    cluster: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: Duration,
) -> Result<u32> {
    let body = (!body.is_empty()).then_some(body);
    hostcalls::dispatch_http_call(cluster, headers.to_vec(), body, Vec::new(), timeout)
        .map_err(from_sdk_status)
}

/// Returns 64 random bits, derived from WASI `random_get` by the hash seeds of the standard library.
pub(crate) fn random_bits() -> u64 {
    RandomState::new().hash_one(())
}

/// Reads an environment variable of the virtual machine.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn from_sdk_status(status: Status) -> HostError {
    match status {
        Status::NotFound => HostError::NotFound,
        Status::BadArgument => HostError::BadArgument,
        Status::SerializationFailure => HostError::SerializationFailure,
        Status::ParseFailure => HostError::ParseFailure,
        Status::Empty => HostError::Empty,
        Status::CasMismatch => HostError::CasMismatch,
        _ => HostError::InternalFailure,
    }
}
