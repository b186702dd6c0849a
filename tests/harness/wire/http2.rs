//! The subset of HTTP/2 (RFC 9113) frames for GET requests without compression.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{AUTHORITY, CASE, Case};

/// Timeout of a response.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Number of concurrent requests on a connection.
const OPEN: usize = 50;
/// The preface, empty settings, and a window larger than all responses of a batch.
const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\
                         \0\0\x04\x08\0\0\0\0\0\x3f\xff\0\0";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;

/// The type, flags and stream of a frame. Payloads are skipped.
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
}

/// Sends every request and waits for its end.
pub(super) fn send(address: SocketAddr, cases: &[Case<'_>]) -> Result<()> {
    cases.chunks(OPEN).try_for_each(|batch| send_batch(address, batch))
}

/// Sends the requests at once; if one of them ends the connection, each half is sent again.
fn send_batch(address: SocketAddr, cases: &[Case<'_>]) -> Result<()> {
    if exchange(address, cases)? || cases.len() == 1 {
        return Ok(());
    }
    let (first, second) = cases.split_at(cases.len() / 2);
    send_batch(address, first)?;
    send_batch(address, second)
}

/// Returns `false` if the connection ended before every stream did.
fn exchange(address: SocketAddr, cases: &[Case<'_>]) -> Result<bool> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_nodelay(true)?;
    let mut bytes = OPENING.to_vec();
    for (position, (index, target)) in cases.iter().enumerate() {
        let stream = u32::try_from(position)?.saturating_mul(2).saturating_add(1);
        bytes.extend(headers(stream, *index, target)?);
    }
    // The server may end the connection before it has read everything.
    let _ = socket.write_all(&bytes);
    let mut open = cases.len();
    while open > 0 {
        let frame = match read_frame(&mut socket) {
            Ok(frame) => frame,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(error).context("a stream did not end");
            }
            Err(_) => return Ok(false),
        };
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => {
                let _ = socket.write_all(&[0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0]);
            }
            RST_STREAM => open = open.saturating_sub(1),
            DATA | HEADERS if frame.flags & END_STREAM != 0 => open = open.saturating_sub(1),
            GOAWAY => return Ok(false),
            _ => ensure!(frame.stream <= u32::MAX >> 1, "not an HTTP/2 frame"),
        }
    }
    Ok(true)
}

/// A HEADERS frame that ends its stream.
fn headers(stream: u32, index: usize, target: &[u8]) -> Result<Vec<u8>> {
    let index = index.to_string();
    let mut block = Vec::new();
    for (name, value) in [
        (":method", &b"GET"[..]),
        (":scheme", b"http"),
        (":authority", AUTHORITY.as_bytes()),
        (":path", target),
        (CASE, index.as_bytes()),
    ] {
        // RFC 7541 section 6.2.2: a literal without indexing, with plain name and value.
        block.push(0);
        text(&mut block, name.as_bytes())?;
        text(&mut block, value)?;
    }
    let [_, length @ ..] = u32::try_from(block.len())?.to_be_bytes();
    // 4 is END_HEADERS.
    let mut frame = [&length[..], &[HEADERS, END_STREAM | 4], &stream.to_be_bytes()].concat();
    frame.extend(block);
    Ok(frame)
}

/// Appends an HPACK string, with its length as an integer with a 7-bit prefix.
fn text(block: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    match text.len().checked_sub(127) {
        None => block.push(u8::try_from(text.len())?),
        Some(mut rest) => {
            block.push(127);
            while rest >= 128 {
                block.push(u8::try_from(rest % 128)? | 128);
                rest /= 128;
            }
            block.push(u8::try_from(rest)?);
        }
    }
    block.extend_from_slice(text);
    Ok(())
}

fn read_frame(socket: &mut TcpStream) -> std::io::Result<Frame> {
    let mut head = [0; 9];
    socket.read_exact(&mut head)?;
    let [a, b, c, kind, flags, s, t, u, v] = head;
    let length = u64::from(u32::from_be_bytes([0, a, b, c]));
    std::io::copy(&mut socket.take(length), &mut std::io::sink())?;
    Ok(Frame { kind, flags, stream: u32::from_be_bytes([s, t, u, v]) })
}
