//! Headers that hand a verified identity to the application.

use filter_core::{ClaimPath, HeaderName};

use crate::{config::OutputFormat, token::Token};

mod format;

/// What one provider writes to headers.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    pub(crate) payload: Option<HeaderName>,
    pub(crate) pads_payload: bool,
    pub(crate) principal: Option<HeaderName>,
    pub(crate) claims: Vec<ClaimOutput>,
}

/// One claim that goes to one header.
#[derive(Debug)]
pub(crate) struct ClaimOutput {
    pub(crate) header: HeaderName,
    pub(crate) claim: ClaimPath,
    pub(crate) format: OutputFormat,
    pub(crate) default: Option<String>,
    pub(crate) max_bytes: usize,
}

/// The headers that a token yields, and how many were left out because a claim did not fit.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) headers: Vec<(HeaderName, Vec<u8>)>,
    pub(crate) skipped: usize,
}

/// A principal may have this many bytes, as a claim may by default.
const MAX_PRINCIPAL_BYTES: usize = 4096;

impl Outputs {
    /// Iterates over the headers that may be written.
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        let claims = self.claims.iter().map(|output| &output.header);
        self.payload.iter().chain(&self.principal).chain(claims)
    }

    /// Writes the headers of a token, given its compact form.
    pub(crate) fn write(&self, token: &Token, compact: &[u8]) -> Written {
        let mut written = Written::default();
        if let Some(header) = &self.payload {
            let payload = token.encoded_payload(compact);
            let bare = payload.split(|byte| *byte == b'=').next().unwrap_or_default();
            let padding = if self.pads_payload { padding(bare.len()) } else { "" };
            written.headers.push((header.clone(), [bare, padding.as_bytes()].concat()));
        }
        let principal = self.principal.as_ref().zip(token.claims().principal());
        if let Some((header, principal)) = principal {
            written.put(header, Some(principal), MAX_PRINCIPAL_BYTES);
        }
        for output in &self.claims {
            output.write(token, &mut written);
        }
        written
    }
}

/// Returns the padding that makes a length a multiple of four.
const fn padding(length: usize) -> &'static str {
    match length % 4 {
        2 => "==",
        3 => "=",
        _ => "",
    }
}

impl ClaimOutput {
    fn write(&self, token: &Token, written: &mut Written) {
        let claim = token.claims().find(&self.claim);
        let present = claim.filter(|claim| !format::is_absent(*claim));
        let value = present.and_then(|claim| format::write(claim, self.format));
        match (value, &self.default) {
            (None, Some(default)) => {
                written.skipped = written.skipped.saturating_add(usize::from(present.is_some()));
                written.headers.push((self.header.clone(), default.clone().into_bytes()));
            }
            (None, None) if present.is_none() => {}
            (value, _) => written.put(&self.header, value, self.max_bytes),
        }
    }
}

impl Written {
    fn put(&mut self, header: &HeaderName, value: Option<String>, max_bytes: usize) {
        let fits = |value: &String| {
            !value.is_empty()
                && value.len() <= max_bytes
                && !value.bytes().any(|byte| byte.is_ascii_control())
                // The next hop would trim them, and one identity could pass for another.
                && value.trim_matches(' ') == value
        };
        match value.filter(fits) {
            Some(value) => self.headers.push((header.clone(), value.into_bytes())),
            None => self.skipped = self.skipped.saturating_add(1),
        }
    }
}
