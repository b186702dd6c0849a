//! Headers that pass a verified identity to the application.

use filter_core::{ClaimPath, HeaderName};

use crate::{config::OutputFormat, token::Token};

mod format;

/// The output headers that a provider is configured with.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    pub(crate) payload: Option<HeaderName>,
    pub(crate) pads_payload: bool,
    pub(crate) principal: Option<HeaderName>,
    pub(crate) claims: Vec<ClaimOutput>,
}

/// A claim to write to a header.
#[derive(Debug)]
pub(crate) struct ClaimOutput {
    pub(crate) header: HeaderName,
    pub(crate) claim: ClaimPath,
    pub(crate) format: OutputFormat,
    pub(crate) default: Option<String>,
    pub(crate) max_bytes: usize,
}

/// The output headers of a token.
#[derive(Debug, Default)]
pub(crate) struct OutputHeaders {
    pub(crate) entries: Vec<(HeaderName, Vec<u8>)>,
    /// The number of claims that did not fit and were left out or replaced by a default.
    pub(crate) skipped: usize,
}

/// The maximum size of a principal; the same as the default of a claim.
const MAX_PRINCIPAL_BYTES: usize = 4096;

impl Outputs {
    /// Iterates over the names of the headers that may be written.
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        let claims = self.claims.iter().map(|output| &output.header);
        self.payload.iter().chain(&self.principal).chain(claims)
    }

    /// Returns the output headers of a token in compact form.
    pub(crate) fn headers(&self, token: &Token, compact: &[u8]) -> OutputHeaders {
        let mut headers = OutputHeaders::default();
        if let Some(header) = &self.payload {
            let payload = token.encoded_payload(compact);
            let bare = payload.split(|byte| *byte == b'=').next().unwrap_or_default();
            let padding = if self.pads_payload { padding(bare.len()) } else { "" };
            headers.entries.push((header.clone(), [bare, padding.as_bytes()].concat()));
        }
        let principal = self.principal.as_ref().zip(token.claims().principal());
        if let Some((header, principal)) = principal {
            headers.push(header, Some(principal), MAX_PRINCIPAL_BYTES);
        }
        for output in &self.claims {
            output.write(token, &mut headers);
        }
        headers
    }
}

/// Returns the padding to a multiple of four.
const fn padding(length: usize) -> &'static str {
    match length % 4 {
        2 => "==",
        3 => "=",
        _ => "",
    }
}

impl ClaimOutput {
    fn write(&self, token: &Token, headers: &mut OutputHeaders) {
        let claim = token.claims().find(&self.claim);
        let present = claim.filter(|claim| !format::is_absent(*claim));
        let value = present.and_then(|claim| format::write(claim, self.format));
        match (value, &self.default) {
            (None, Some(default)) => {
                headers.skipped = headers.skipped.saturating_add(usize::from(present.is_some()));
                headers.entries.push((self.header.clone(), default.clone().into_bytes()));
            }
            (None, None) if present.is_none() => {}
            (value, _) => headers.push(&self.header, value, self.max_bytes),
        }
    }
}

impl OutputHeaders {
    fn push(&mut self, header: &HeaderName, value: Option<String>, max_bytes: usize) {
        let fits = |value: &String| {
            !value.is_empty()
                && value.len() <= max_bytes
                && !value.bytes().any(|byte| byte.is_ascii_control())
                // The next hop would trim outer spaces, and one identity could pass for another.
                && value.trim_matches(' ') == value
        };
        match value.filter(fits) {
            Some(value) => self.entries.push((header.clone(), value.into_bytes())),
            None => self.skipped = self.skipped.saturating_add(1),
        }
    }
}
