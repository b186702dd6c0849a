//! Connections that clients keep open: several requests on one, and streams that stay open.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
};

use anyhow::{Result, ensure};
use tests::ports;

use super::TIMEOUT;

/// Path whose requests a [`HoldingApp`] holds.
pub(super) const HOLD: &str = "/hold";

/// An HTTP/1.1 application that holds requests for [`HOLD`] until the test ends them, and
/// responds to others at once.
pub(super) struct HoldingApp {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// Number of requests that were held.
    held: usize,
    end: Option<End>,
}

/// The end of held requests.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// The application responds.
    Respond,
    /// The application closes the connection.
    Reset,
}

impl HoldingApp {
    pub(super) fn start() -> Result<Self> {
        let listener = ports::listen(0)?;
        let address = listener.local_addr()?;
        let state = Arc::<(Mutex<State>, Condvar)>::default();
        let shared = Arc::clone(&state);
        // The threads end with the process of the test.
        thread::spawn(move || accept(&listener, &shared));
        Ok(Self { address, state })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of requests that were held so far.
    pub(super) fn held(&self) -> usize {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner).held
    }

    /// Ends all requests that are held.
    pub(super) fn end(&self, end: End) {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner).end = Some(end);
        self.state.1.notify_all();
    }

    /// Holds requests again.
    pub(super) fn hold_again(&self) {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner).end = None;
    }
}

fn accept(listener: &TcpListener, state: &Arc<(Mutex<State>, Condvar)>) {
    while let Ok((socket, _)) = listener.accept() {
        let state = Arc::clone(state);
        thread::spawn(move || serve(socket, &state));
    }
}

fn serve(mut socket: TcpStream, (state, changed): &(Mutex<State>, Condvar)) {
    let mut received = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = socket.read(&mut piece) {
        received.extend_from_slice(piece.get(..length).unwrap_or_default());
        while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = received.drain(..end.saturating_add(4)).collect();
            let is_held = head.split(|byte| *byte == b' ').nth(1) == Some(HOLD.as_bytes());
            if is_held && matches!(wait(state, changed), End::Reset) {
                let _ = socket.shutdown(Shutdown::Both);
                return;
            }
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    }
}

fn wait(state: &Mutex<State>, changed: &Condvar) -> End {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.held = state.held.saturating_add(1);
    loop {
        if let Some(end) = state.end {
            return end;
        }
        state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

/// A connection with one GET request, whose response is read later.
pub(super) struct Pending(TcpStream);

impl Pending {
    /// Sends a request with this path and lines of headers.
    pub(super) fn send(address: SocketAddr, path: &str, headers: &str) -> Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        let end = "connection: close\r\n\r\n";
        socket.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n{headers}{end}").as_bytes())?;
        Ok(Self(socket))
    }

    /// Sends this many requests, each on its own connection.
    pub(super) fn send_all(
        address: SocketAddr,
        path: &str,
        headers: &str,
        count: usize,
    ) -> Result<Vec<Self>> {
        (0..count).map(|_| Self::send(address, path, headers)).collect()
    }

    /// Returns `true` if a part of the response has arrived.
    pub(super) fn is_answered(&self) -> Result<bool> {
        self.0.set_nonblocking(true)?;
        let peeked = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false)?;
        Ok(peeked.is_ok())
    }

    /// Reads the status of the response, 0 without a response.
    pub(super) fn status(mut self) -> u16 {
        let mut response = Vec::new();
        let _ = self.0.read_to_end(&mut response);
        let text = String::from_utf8_lossy(&response).into_owned();
        text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

/// An HTTP/1.1 connection that a client keeps open.
pub(super) struct KeptAlive(TcpStream);

impl KeptAlive {
    pub(super) fn open(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self(socket))
    }

    /// Sends a GET request and returns the status.
    pub(super) fn status(&mut self, path: &str) -> Result<u16> {
        self.0.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes())?;
        let (mut response, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            let length = self.0.read(&mut piece)?;
            ensure!(length > 0, "the connection was closed");
            response.extend_from_slice(piece.get(..length).unwrap_or_default());
            let text = String::from_utf8_lossy(&response);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let expected = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let expected = expected.and_then(|length| length.parse().ok()).unwrap_or(0);
            if body.len() >= expected {
                let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
                return Ok(status.unwrap_or(0));
            }
        }
    }
}
