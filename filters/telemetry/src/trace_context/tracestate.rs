//! The `tracestate` header.

use filter_core::Headers;

/// Maximum number of members kept.
const MAX_MEMBERS: usize = 32;
/// Maximum length kept, in bytes.
const MAX_LEN: usize = 512;
/// Members longer than this are dropped first, in bytes.
const LONG_MEMBER: usize = 128;

/// A `tracestate`: vendor-specific data of a trace
/// (<https://www.w3.org/TR/trace-context-2/#tracestate-header>).
///
/// At most 32 members and 512 bytes. Members are kept unchanged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceState(Box<str>);

/// The error for a malformed `tracestate`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidTraceState;

impl TraceState {
    /// Joins the `tracestate` headers of a request; `None` if they have no members.
    ///
    /// Keeps the first 32 members. Beyond 512 bytes, drops members over 128 bytes, then members
    /// from the right.
    ///
    /// # Errors
    ///
    /// Fails if any member is malformed, including those after the 32nd.
    pub fn from_headers(headers: &Headers) -> Result<Option<Self>, InvalidTraceState> {
        let mut members = Vec::new();
        for header in headers.all("tracestate") {
            for member in header.split(|byte| *byte == b',') {
                let member = trim(member);
                // Empty members are allowed and ignored.
                if member.is_empty() {
                    continue;
                }
                if !is_member(member) {
                    return Err(InvalidTraceState);
                }
                if members.len() < MAX_MEMBERS {
                    members.push(std::str::from_utf8(member).map_err(|_| InvalidTraceState)?);
                }
            }
        }
        shorten(&mut members);
        Ok((!members.is_empty()).then(|| Self(members.join(",").into())))
    }

    /// Returns the list as a single header value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn shorten(members: &mut Vec<&str>) {
    let joined = |members: &[&str]| -> usize {
        members.iter().map(|member| member.len().saturating_add(1)).sum::<usize>().saturating_sub(1)
    };
    if joined(members) > MAX_LEN {
        members.retain(|member| member.len() <= LONG_MEMBER);
    }
    while joined(members) > MAX_LEN {
        members.pop();
    }
}

fn trim(member: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = member.iter().position(|byte| !blank(byte)).unwrap_or(member.len());
    let end = member.iter().rposition(|byte| !blank(byte)).map_or(start, |at| at.saturating_add(1));
    member.get(start..end).unwrap_or_default()
}

fn is_member(member: &[u8]) -> bool {
    let mut sides = member.splitn(2, |byte| *byte == b'=');
    let (key, value) = (sides.next().unwrap_or_default(), sides.next().unwrap_or_default());
    is_key(key) && is_value(value)
}

/// A key is a simple key, or the `tenant@system` form of level 1.
fn is_key(key: &[u8]) -> bool {
    let first = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut parts = key.splitn(2, |byte| *byte == b'@');
    match (parts.next().unwrap_or_default(), parts.next()) {
        (name, None) => is_name(name, 256, first),
        (tenant, Some(system)) => {
            is_name(tenant, 241, first) && is_name(system, 14, u8::is_ascii_lowercase)
        }
    }
}

fn is_name(name: &[u8], max_len: usize, first: impl Fn(&u8) -> bool) -> bool {
    let rest = |byte: &u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'_' | b'-' | b'*' | b'/')
    };
    name.len() <= max_len && name.first().is_some_and(first) && name.iter().all(rest)
}

fn is_value(value: &[u8]) -> bool {
    let legal = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'=');
    (1..=256).contains(&value.len())
        && value.iter().all(legal)
        && value.last().is_some_and(|byte| *byte != b' ')
}

#[cfg(test)]
mod tests;
