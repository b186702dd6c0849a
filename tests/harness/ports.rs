//! Ports on the loopback interface.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};

/// Returns the address of `port` on the loopback interface.
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Returns a free port.
///
/// Another process may take it before it is used, so a server that can report its port should bind
/// port 0 instead.
///
/// # Errors
/// If no port can be bound.
pub fn free() -> Result<u16> {
    let listener = TcpListener::bind(loopback(0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Listens on `port`. 0 is any free port.
///
/// # Errors
/// If the port is in use.
pub fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind(loopback(port)).with_context(|| {
        format!("port {port} on 127.0.0.1 is in use: free it, or choose another port")
    })
}
