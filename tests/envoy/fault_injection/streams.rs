//! Many streams that wait at once, held by raw connections.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::Result;
use tests::process::wait_until;

use super::Rig;

/// How long what is waited for may take.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// Sends a request on each of `count` connections, which should be closed by the answer.
pub(super) fn send(address: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    let open = |_| {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(LIMIT))?;
        socket.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
        Ok(socket)
    };
    (0..count).map(open).collect()
}

/// The status of the answer on each connection; 0 where none came.
pub(super) fn statuses(sockets: Vec<TcpStream>) -> Vec<u16> {
    let read = |mut socket: TcpStream| {
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    };
    sockets.into_iter().map(read).collect()
}

impl Rig {
    /// Waits until a counter or gauge has this value.
    pub(super) fn wait_for(&self, name: &str, value: u64) -> Result<()> {
        let mut last = 0;
        wait_until(&format!("{name} {value}"), LIMIT, || {
            last = self.stat(name)?;
            Ok(last == value)
        })
        .map_err(|error| error.context(format!("{name} is {last}")))
    }
}
