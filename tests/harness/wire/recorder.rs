//! An application that records the target of each request unmodified.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use anyhow::Result;
use serde_json::{Value, json};

use super::CASE;
use crate::ports;

/// An HTTP/1.1 server that responds to every request with 200 and an empty body.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<RecordedRequest>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A request that reached the application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedRequest {
    /// The value of the header [`CASE`]. `None` without the header.
    pub case: Option<usize>,
    /// The received target.
    pub target: Vec<u8>,
}

impl Recorder {
    /// Starts the application on a free port.
    ///
    /// # Errors
    /// If the port cannot be bound or the thread cannot be started.
    pub fn start() -> Result<Self> {
        let listener = ports::listen(0)?;
        let address = listener.local_addr()?;
        let (requests, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (record, stopped) = (Arc::clone(&requests), Arc::clone(&stop));
        let thread = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || accept(&listener, &record, &stopped))?;
        Ok(Self { address, requests, stop, thread: Some(thread) })
    }

    /// Returns the address of the application.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the cluster `app` for this application, which only supports HTTP/1.1.
    pub fn cluster(&self) -> Value {
        let socket = json!({"address": self.address.ip(), "port_value": self.address.port()});
        let endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
        json!({
            "name": "app",
            "load_assignment": {"cluster_name": "app", "endpoints": [{"lb_endpoints": [endpoint]}]},
        })
    }

    /// Returns the requests since the last call.
    pub fn take(&self) -> Vec<RecordedRequest> {
        std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread, which is waiting for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, requests: &Arc<Mutex<Vec<RecordedRequest>>>, stop: &AtomicBool) {
    while let Ok((socket, _)) = listener.accept() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let requests = Arc::clone(requests);
        // The thread ends with the connection.
        thread::spawn(move || serve(socket, &requests));
    }
}

/// Serves one connection. The requests must not have bodies.
fn serve(mut socket: TcpStream, requests: &Mutex<Vec<RecordedRequest>>) {
    let _ = socket.set_nodelay(true);
    let mut received = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = socket.read(&mut piece) {
        received.extend_from_slice(piece.get(..length).unwrap_or_default());
        while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = received.drain(..end.saturating_add(4)).collect();
            requests.lock().unwrap_or_else(PoisonError::into_inner).push(parse_request(&head));
            if socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
                return;
            }
        }
    }
}

fn parse_request(head: &[u8]) -> RecordedRequest {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    // The target is between the first and the last space, and may contain spaces.
    let line = lines.next().unwrap_or_default();
    let begin = line.iter().position(|byte| *byte == b' ').map_or(0, |at| at.saturating_add(1));
    let end = line.iter().rposition(|byte| *byte == b' ').unwrap_or(line.len());
    let prefix = format!("{CASE}: ");
    let case = lines.find_map(|line| line.strip_prefix(prefix.as_bytes()));
    RecordedRequest {
        case: case.and_then(|case| std::str::from_utf8(case).ok()?.parse().ok()),
        target: line.get(begin..end).unwrap_or_default().to_vec(),
    }
}
