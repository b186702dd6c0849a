//! An HTTP/1.1 client that sends one request after the other on a keep-alive connection.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result};

use super::{AUTHORITY, CASE, Case};

/// Timeout of a response.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends every request and reads its response.
pub(super) fn send(address: SocketAddr, cases: &[Case<'_>]) -> Result<()> {
    let mut connection = None;
    for (index, target) in cases {
        let mut socket = match connection.take() {
            Some(socket) => socket,
            None => connect(address)?,
        };
        let head = format!(" HTTP/1.1\r\nhost: {AUTHORITY}\r\n{CASE}: {index}\r\n\r\n");
        let request = [b"GET ", *target, head.as_bytes()].concat();
        let sent = socket.write_all(&request);
        connection = match sent.and_then(|()| read_response(&mut socket)) {
            Ok(true) => Some(socket),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(error).with_context(|| format!("no response to {:?}", show(target)));
            }
            Ok(false) | Err(_) => None,
        };
    }
    Ok(())
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Reads one response with its body; returns `true` if the connection can be reused.
fn read_response(socket: &mut TcpStream) -> std::io::Result<bool> {
    let mut response = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let length = socket.read(&mut piece)?;
        response.extend_from_slice(piece.get(..length).unwrap_or_default());
        let text = String::from_utf8_lossy(&response);
        if length == 0 {
            return Ok(false);
        }
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let field =
            |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let Some(expected) = field("content-length").and_then(|value| value.parse().ok()) else {
            return Ok(false);
        };
        if body.len() >= expected {
            return Ok(field("connection") != Some("close"));
        }
    }
}

fn show(target: &[u8]) -> String {
    target.escape_ascii().to_string()
}
