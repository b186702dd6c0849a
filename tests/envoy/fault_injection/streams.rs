//! Many concurrent streams over raw connections.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::Result;
use tests::process::wait_until;

use super::Fixture;

/// Timeout of reads and waits.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends a request with `connection: close` on each of `count` new connections.
pub(super) fn send(address: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    let open = |_| {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        socket.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
        Ok(socket)
    };
    (0..count).map(open).collect()
}

/// Reads the status of the response on each connection, 0 without a response.
pub(super) fn statuses(sockets: Vec<TcpStream>) -> Vec<u16> {
    let read = |mut socket: TcpStream| {
        let mut response = Vec::new();
        let _ = socket.read_to_end(&mut response);
        let text = String::from_utf8_lossy(&response).into_owned();
        text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    };
    sockets.into_iter().map(read).collect()
}

impl Fixture {
    /// Waits until a counter or gauge of the filter has this value.
    pub(super) fn wait_for(&self, name: &str, value: u64) -> Result<()> {
        let mut last = 0;
        wait_until(&format!("{name} {value}"), TIMEOUT, || {
            last = self.stat(name)?;
            Ok(last == value)
        })
        .map_err(|error| error.context(format!("{name} is {last}")))
    }
}
