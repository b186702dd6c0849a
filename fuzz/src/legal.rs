//! Properties of everything that a filter writes.

use filter_core::{HeaderEdits, HeaderName, Headers, InvalidConfig, Reply};

/// Fails if a header value contains NUL or a line break.
pub fn header_value(value: &[u8]) {
    let is_legal = !value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n'));
    assert!(is_legal, "a header would have the value {:?}", value.escape_ascii().to_string());
}

/// Fails unless every written value is valid.
pub fn edits(edits: &HeaderEdits) {
    edits.set.iter().chain(&edits.add).for_each(|(_, value)| header_value(value));
}

/// Fails unless a reply is valid and small.
pub fn reply(reply: &Reply) {
    assert!((200..600).contains(&reply.status), "{reply:?}");
    reply.headers.iter().for_each(|(_, value)| header_value(value));
    header_value(reply.details.as_bytes());
    assert!(reply.body.len() <= 64 * 1024 && reply.details.len() <= 1024, "{reply:?}");
}

/// Fails unless a text is one line.
pub fn line(text: &str) {
    assert!(!text.contains(['\n', '\r', '\0']), "{text:?} is not one line");
}

/// Fails unless the errors of `document` have paths and messages, on one line of bounded length.
pub fn refusal(invalid: &InvalidConfig, document: &[u8]) {
    let errors = invalid.errors();
    assert!((1..=10).contains(&errors.len()), "{} errors", errors.len());
    assert!(errors.iter().all(|error| !error.message.is_empty()), "{invalid:?}");
    let text = invalid.to_string();
    line(&text);
    let most = 10 * (1024 + 2 * document.len());
    assert!(text.len() <= most, "{} bytes about {} bytes", text.len(), document.len());
}

/// Returns the headers after the edits of an admission, applied as by a host.
#[must_use]
pub fn changed(headers: &Headers, strip: &[HeaderName], edits: &HeaderEdits) -> Headers {
    let mut headers = headers.clone();
    for name in strip.iter().chain(&edits.remove) {
        headers.remove(name.as_str());
    }
    for (name, value) in &edits.set {
        headers.remove(name.as_str());
        headers.push(name.as_bytes(), value.clone());
    }
    for (name, value) in &edits.add {
        headers.push(name.as_bytes(), value.clone());
    }
    headers
}
