//! Decoding of `RateLimitResponse`.

use std::time::Duration;

use filter_core::{
    EditableHeaderName, HeaderName,
    protobuf::{Field, MalformedMessage, duration, whole_fields},
};

use super::{Answer, Code, MAX_RESET, Status};
use crate::service::{Rate, Unit};

/// Maximum number of headers for each message; further ones are dropped.
const MAX_HEADERS: usize = 64;
/// Maximum length of a header's value, in bytes; a longer one is dropped.
const MAX_VALUE_LEN: usize = 4096;

/// Decodes the answer to a call with `asked` descriptors.
pub(super) fn answer(message: &[u8], asked: usize) -> Result<Answer, MalformedMessage> {
    let mut answer = Answer {
        code: Code::Unknown,
        statuses: Vec::new(),
        request_headers: Vec::new(),
        response_headers: Vec::new(),
        raw_body: Vec::new(),
    };
    let mut statuses = 0_usize;
    for field in whole_fields(message) {
        match field? {
            (1, Field::Varint(number)) => answer.code = code(number).ok_or(MalformedMessage)?,
            (2, Field::Bytes(message)) => {
                statuses = statuses.saturating_add(1);
                if statuses <= asked {
                    answer.statuses.push(status(message)?);
                }
            }
            (3, Field::Bytes(message)) => add_header(message, &mut answer.response_headers)?,
            (4, Field::Bytes(message)) => add_header(message, &mut answer.request_headers)?,
            (5, Field::Bytes(body)) => answer.raw_body = body.to_vec(),
            _ => {}
        }
    }
    if statuses != 0 && statuses != asked {
        answer.statuses.clear();
        if answer.code != Code::OverLimit {
            return Err(MalformedMessage);
        }
    }
    Ok(answer)
}

fn code(number: u64) -> Option<Code> {
    match number {
        0 => Some(Code::Unknown),
        1 => Some(Code::Ok),
        2 => Some(Code::OverLimit),
        _ => None,
    }
}

fn status(message: &[u8]) -> Result<Status, MalformedMessage> {
    let mut status =
        Status { code: Code::Unknown, limit_remaining: 0, until_reset: None, limit: None };
    for field in whole_fields(message) {
        match field? {
            (1, Field::Varint(number)) => status.code = code(number).unwrap_or(Code::Unknown),
            (2, Field::Bytes(message)) => status.limit = Some(rate(message)?),
            (3, Field::Varint(units)) => status.limit_remaining = saturated(units),
            (4, Field::Bytes(message)) => status.until_reset = reset(message),
            _ => {}
        }
    }
    Ok(status)
}

fn rate(message: &[u8]) -> Result<Rate, MalformedMessage> {
    let mut rate = Rate { requests_per_unit: 0, unit: Unit::Unknown };
    let mut is_multiple = false;
    for field in whole_fields(message) {
        match field? {
            (1, Field::Varint(requests)) => rate.requests_per_unit = saturated(requests),
            (2, Field::Varint(number)) => rate.unit = Unit::from_number(number),
            // A wrapped number of units in each window.
            (4, Field::Bytes(multiplier)) => is_multiple = multiplier != [8, 1],
            _ => {}
        }
    }
    if is_multiple {
        rate.unit = Unit::Unknown;
    }
    Ok(rate)
}

fn reset(message: &[u8]) -> Option<Duration> {
    let reset = duration(message);
    (reset <= MAX_RESET).then_some(reset)
}

/// Adds a header if a filter may edit it and its value fits in a header.
fn add_header(
    message: &[u8],
    headers: &mut Vec<(HeaderName, Vec<u8>)>,
) -> Result<(), MalformedMessage> {
    let (mut key, mut value) = (&[][..], &[][..]);
    for field in whole_fields(message) {
        match field? {
            (1, Field::Bytes(bytes)) => key = bytes,
            // Text or bytes, of which a service sets one.
            (2 | 3, Field::Bytes(bytes)) if !bytes.is_empty() => value = bytes,
            _ => {}
        }
    }
    if let Some(name) = editable(key)
        && headers.len() < MAX_HEADERS
        && value.len() <= MAX_VALUE_LEN
        && value.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control())
    {
        headers.push((name, value.to_vec()));
    }
    Ok(())
}

/// Returns the name of a header that a service may add.
fn editable(name: &[u8]) -> Option<HeaderName> {
    let name: EditableHeaderName = std::str::from_utf8(name).ok()?.parse().ok()?;
    // The proxy computes the length: another one would end the message elsewhere.
    (name.as_str() != "content-length").then(|| name.into_header_name())
}

fn saturated(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
