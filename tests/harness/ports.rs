//! Ports on the loopback interface.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};
use rustix::net;
use tokio::net::TcpSocket;

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

/// Number of connections that wait until a server accepts them.
///
/// The standard library asks for 128. Envoy opens more at once when it resumes hundreds of streams,
/// and each one that finds no place is tried again only after a second.
const BACKLOG: i32 = 4096;

/// Listens on `port`. 0 is any free port.
///
/// # Errors
/// If the port is in use.
pub fn listen(port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind(loopback(port)).with_context(|| {
        format!("port {port} on 127.0.0.1 is in use: free it, or choose another port")
    })?;
    net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// A port for a server that binds with `SO_REUSEPORT`. No other process gets it while this value
/// exists.
///
/// Two such servers on the same port would share its connections, instead of one of them failing.
#[derive(Debug)]
pub struct Reserved {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Reserved {
    /// Reserves a free port.
    ///
    /// # Errors
    /// If no port can be bound.
    pub fn new() -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseport(true)?;
        socket.bind(loopback(0)).context("no free port on 127.0.0.1")?;
        Ok(Self { address: socket.local_addr()?, _socket: socket })
    }

    /// Returns the address of the port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
