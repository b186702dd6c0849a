//! Requests with targets that usual HTTP clients would reject or rewrite, and a server that records
//! each target unmodified.

use std::{net::SocketAddr, thread};

use anyhow::{Result, anyhow};

use crate::client::Protocol;

mod http1;
mod http2;
mod recorder;

pub use recorder::{RecordedRequest, Recorder};

/// Request header with the index of the target.
pub const CASE: &str = "x-case";

/// The authority of every request.
const AUTHORITY: &str = "app.example.com";
/// Number of connections for all targets.
const CONNECTIONS: usize = 4;

/// A target with its index among all targets.
type Case<'a> = (usize, &'a [u8]);

/// Sends a GET request for each target over a few keep-alive connections, each with its index in
/// the header [`CASE`].
///
/// A request may also end with a reset of the stream or the connection.
///
/// # Errors
/// If the connection fails, or a request does not end within 20 seconds.
pub fn send_all<T: AsRef<[u8]>>(
    address: SocketAddr,
    protocol: Protocol,
    targets: &[T],
) -> Result<()> {
    let cases: Vec<Case<'_>> =
        targets.iter().enumerate().map(|(index, target)| (index, target.as_ref())).collect();
    let share = cases.len().div_ceil(CONNECTIONS).max(1);
    thread::scope(|scope| {
        let send = |cases| match protocol {
            Protocol::Http1 => http1::send(address, cases),
            Protocol::Http2 => http2::send(address, cases),
        };
        let workers: Vec<_> =
            cases.chunks(share).map(|cases| scope.spawn(move || send(cases))).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow!("a client panicked"))?)
    })
}
