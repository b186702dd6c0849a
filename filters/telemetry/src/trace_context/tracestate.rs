//! The header `tracestate`.

use filter_core::Headers;

/// The most members that are kept.
const MEMBERS: usize = 32;
/// The most bytes that are kept.
const BYTES: usize = 512;
/// Where bytes must go, longer members go first.
const LONG: usize = 128;

/// What the vendors on the way have noted about a trace, as W3C Trace Context writes it:
/// <https://www.w3.org/TR/trace-context-2/#tracestate-header>.
///
/// At most 32 members and 512 bytes. Every member is another vendor's and stays as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceState(Box<str>);

/// A `tracestate` that is no list of members.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidTraceState;

impl TraceState {
    /// Joins the `tracestate` headers of a request; `None` where no member is in them.
    ///
    /// The first 32 members are kept. Of more than 512 bytes, members over 128 bytes are dropped,
    /// then members from the right.
    ///
    /// # Errors
    ///
    /// Refuses the whole list for one malformed member, behind the 32nd as well.
    pub fn of(headers: &Headers) -> Result<Option<Self>, InvalidTraceState> {
        let mut members = Vec::new();
        for header in headers.all("tracestate") {
            for member in header.split(|byte| *byte == b',') {
                let member = trimmed(member);
                // An empty member is legal, and means nothing.
                if member.is_empty() {
                    continue;
                }
                if !is_member(member) {
                    return Err(InvalidTraceState);
                }
                if members.len() < MEMBERS {
                    members.push(std::str::from_utf8(member).map_err(|_| InvalidTraceState)?);
                }
            }
        }
        shorten(&mut members);
        Ok((!members.is_empty()).then(|| Self(members.join(",").into())))
    }

    /// Returns the list as it is written in one header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn shorten(members: &mut Vec<&str>) {
    let joined = |members: &[&str]| -> usize {
        members.iter().map(|member| member.len().saturating_add(1)).sum::<usize>().saturating_sub(1)
    };
    if joined(members) > BYTES {
        members.retain(|member| member.len() <= LONG);
    }
    while joined(members) > BYTES {
        members.pop();
    }
}

fn trimmed(member: &[u8]) -> &[u8] {
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

/// A key is a name, or a tenant and a system with `@` between them as in the first edition.
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

fn is_name(name: &[u8], longest: usize, first: impl Fn(&u8) -> bool) -> bool {
    let rest = |byte: &u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'_' | b'-' | b'*' | b'/')
    };
    name.len() <= longest && name.first().is_some_and(first) && name.iter().all(rest)
}

fn is_value(value: &[u8]) -> bool {
    let legal = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'=');
    (1..=256).contains(&value.len())
        && value.iter().all(legal)
        && value.last().is_some_and(|byte| *byte != b' ')
}

#[cfg(test)]
mod tests;
