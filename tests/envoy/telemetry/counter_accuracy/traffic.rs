//! Requests and servers for all kinds of stream ends.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use http_body_util::Full;
use hyper::{Method, Request, body::Bytes, header::HeaderValue};
use tests::{
    client::{self, Client},
    upstream::{REPLY_GRPC_STATUS, REPLY_STATUS},
};

use crate::telemetry::counted_load::{StreamCounts, StreamLabels};

/// Timeout of a stream.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The statuses of the application.
const STATUSES: [u16; 10] = [200, 201, 204, 301, 404, 409, 429, 500, 503, 504];
/// gRPC statuses that are server errors: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL,
/// UNAVAILABLE and DATA_LOSS.
const GRPC_ERRORS: [u64; 6] = [2, 4, 12, 13, 14, 15];

/// Returns a request whose method, operation and status depend on the number.
///
/// Every fifth has a body. About one in a hundred is reset, two are denied by earlier filters, one
/// gets a direct response, and one in a thousand gets an incomplete response.
pub(super) fn mixed_request(number: u64) -> Request<Full<Bytes>> {
    // Prime moduli combine each operation with every method, status and connection.
    let operation = match (number % 101, number % 997) {
        // Rare: Envoy keeps such a connection open for a second.
        (_, 7) => "cut",
        (27, _) => "reset",
        (47, _) => "abort",
        (67, _) => "denied",
        (87, _) => "direct",
        (97, _) => "other",
        _ => "orders",
    };
    let (method, body) = match number % 5 {
        0 => (Method::POST, vec![b'x'; usize::try_from(number % 97).unwrap_or(1)]),
        1 => (Method::DELETE, Vec::new()),
        _ => (Method::GET, Vec::new()),
    };
    let status = usize::try_from(number / 5 % 10).ok().and_then(|index| STATUSES.get(index));
    let status = status.copied().unwrap_or(200);
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = method;
    *request.uri_mut() = format!("/{operation}/{number}").parse().unwrap_or_default();
    request.headers_mut().insert("host", HeaderValue::from_static("app"));
    request.headers_mut().insert(REPLY_STATUS, HeaderValue::from(status));
    request
}

/// Starts a server that responds to each connection with `answer` and closes it.
pub(super) fn truncating_server(response: &'static [u8]) -> Result<SocketAddr> {
    serve(move |mut socket| {
        let _ = read_head(&mut socket);
        let _ = socket.write_all(response);
        let _ = socket.shutdown(Shutdown::Both);
    })
}

/// Starts a server that never responds. The channel receives a message for each request.
pub(super) fn silent() -> Result<(SocketAddr, Receiver<()>)> {
    let (sender, reached): (Sender<()>, _) = channel();
    let address = serve(move |mut socket| {
        if read_head(&mut socket).is_ok() {
            let _ = sender.send(());
        }
        // Wait until the proxy closes the connection.
        let _ = socket.read(&mut [0; 1]);
    })?;
    Ok((address, reached))
}

/// Sends requests, one after the other, and resets each when it has reached the application.
pub(super) fn reset_by_client(
    address: SocketAddr,
    count: u64,
    reached: &Receiver<()>,
) -> Result<StreamCounts> {
    let mut counts = StreamCounts::default();
    for number in 0..count {
        let mut socket = TcpStream::connect(address)?;
        socket
            .write_all(format!("GET /silent/{number} HTTP/1.1\r\nhost: app\r\n\r\n").as_bytes())?;
        reached.recv_timeout(TIMEOUT).context("the request did not arrive")?;
        counts.record(row("silent", "GET", "0"), false);
        counts.client_resets = counts.client_resets.saturating_add(1);
    }
    Ok(counts)
}

/// Sends malformed requests.
pub(super) fn malformed_requests(address: SocketAddr, count: u64) -> Result<StreamCounts> {
    let mut counts = StreamCounts::default();
    for _ in 0..count {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        socket.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n")?;
        // Envoy closes the connection only after a second.
        let mut response = [0; 12];
        socket.read_exact(&mut response)?;
        ensure!(response == *b"HTTP/1.1 400", "{}", String::from_utf8_lossy(&response));
        counts.record(row("other", "other", "400"), false);
    }
    Ok(counts)
}

/// Sends gRPC calls with every status in turn.
pub(super) fn grpc(address: SocketAddr, count: u64) -> Result<StreamCounts> {
    let mut counts = StreamCounts::default();
    for number in 0..count {
        let status = number % 17;
        let request = client::Request::grpc(&format!("/grpc/{number}"));
        let request = request.header(REPLY_GRPC_STATUS, status.to_string());
        let response = Client::http2(address).send(request)?;
        ensure!(response.grpc_status() == Some(&status.to_string()), "{response:?}");
        let row = StreamLabels { grpc: status.to_string(), ..row("grpc", "POST", "200") };
        counts.record(row, GRPC_ERRORS.contains(&status));
    }
    Ok(counts)
}

fn row(operation: &str, method: &str, code: &str) -> StreamLabels {
    StreamLabels {
        operation: operation.to_owned(),
        method: method.to_owned(),
        code: code.to_owned(),
        grpc: String::new(),
    }
}

/// Starts a server that runs `handler` for each connection on a new thread.
fn serve(handler: impl Fn(TcpStream) + Clone + Send + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for socket in listener.incoming().filter_map(Result::ok) {
            let handler = handler.clone();
            thread::spawn(move || handler(socket));
        }
    });
    Ok(address)
}

/// Reads the head of a request, possibly with a part of the body.
fn read_head(socket: &mut TcpStream) -> Result<()> {
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let length = socket.read(&mut piece)?;
        ensure!(length > 0, ErrorKind::UnexpectedEof);
        head.extend_from_slice(piece.get(..length).unwrap_or_default());
    }
    Ok(())
}
