//! Ports on the loopback interface.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};

/// The address of `port` on the loopback interface.
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Asks the system for a port that nobody listens on.
///
/// The port is free when this returns and another process may still take it, so a server that can
/// bind port 0 and tell its choice should do that instead.
///
/// # Errors
/// When the loopback interface refuses to bind.
pub fn free() -> Result<u16> {
    let listener = TcpListener::bind(loopback(0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Listens on a fixed port; 0 lets the system choose.
///
/// # Errors
/// One sentence that names the port and the cure when it is taken.
pub fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind(loopback(port)).with_context(|| {
        format!(
            "port {port} on 127.0.0.1 is taken: stop what listens there, or choose another port"
        )
    })
}
