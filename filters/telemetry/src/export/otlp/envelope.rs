//! Requests: items in an envelope that says who they are about.

use prost::encoding::encoded_len_varint;

use super::{
    message::{Attribute, Span},
    write::{bytes, message, open},
};

/// `ExportTraceServiceRequest.resource_spans` and its twin of logs.
const RESOURCE_ITEMS: u32 = 1;
/// `ResourceSpans.resource` and its twin.
const RESOURCE: u32 = 1;
/// `ResourceSpans.scope_spans` and its twin.
const SCOPE_ITEMS: u32 = 2;
/// `ScopeSpans.scope` and its twin.
const SCOPE: u32 = 1;
/// `ScopeSpans.spans` and `ScopeLogs.log_records`.
const ITEMS: u32 = 2;
/// Key and size of a message that is not absurdly long.
const HEAD: usize = 6;
/// What gRPC puts before a message: no compression, and the size.
const GRPC_HEAD: usize = 5;
/// Room for an item, which most of them do not outgrow.
const USUAL: usize = 768;

/// A span or a log record, encoded as the field of a request that it becomes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Item(Box<[u8]>);

/// What all requests of one provider and signal have in common.
#[derive(Clone, Debug)]
pub struct Envelope {
    resource: Vec<u8>,
    scope: Vec<u8>,
    is_grpc: bool,
}

impl Item {
    /// Writes a message.
    pub(crate) fn new(fields: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = Vec::with_capacity(USUAL);
        message(ITEMS, &mut bytes, fields);
        Self(bytes.into())
    }

    /// Returns the size in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.0.len()
    }
}

impl Span<'_> {
    /// Encodes the span as one item of a request.
    #[must_use]
    pub fn encode_item(&self) -> Item {
        Item::new(|out| self.write(out))
    }
}

impl Envelope {
    /// Makes the envelope of everything that is about `about`.
    #[must_use]
    pub fn new(about: &[Attribute<'_>], is_grpc: bool) -> Self {
        let (mut resource, mut scope) = (Vec::new(), Vec::new());
        message(RESOURCE, &mut resource, |out| {
            about.iter().for_each(|attribute| message(1, out, |out| attribute.write(out)));
        });
        message(SCOPE, &mut scope, |out| {
            bytes(1, b"weir", out);
            bytes(2, env!("CARGO_PKG_VERSION").as_bytes(), out);
        });
        Self { resource, scope, is_grpc }
    }

    /// Returns the most bytes that the envelope itself takes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.resource.len().saturating_add(self.scope.len()).saturating_add(2 * HEAD + GRPC_HEAD)
    }

    /// Makes the body of a request from items.
    #[must_use]
    pub fn wrap<'a>(&self, items: impl Iterator<Item = &'a Item> + Clone) -> Vec<u8> {
        let sizes: usize = items.clone().map(Item::size).sum();
        let scoped = self.scope.len().saturating_add(sizes);
        let inner = self.resource.len().saturating_add(framed(scoped));
        let mut body = self.begin(framed(inner));
        open(RESOURCE_ITEMS, inner, &mut body);
        body.extend_from_slice(&self.resource);
        open(SCOPE_ITEMS, scoped, &mut body);
        body.extend_from_slice(&self.scope);
        items.for_each(|item| body.extend_from_slice(&item.0));
        body
    }

    /// Makes a body of a request that was made elsewhere, which has no frame.
    #[must_use]
    pub fn frame(&self, message: &[u8]) -> Vec<u8> {
        let mut body = self.begin(message.len());
        body.extend_from_slice(message);
        body
    }

    /// Returns the request without gRPC's frame.
    #[must_use]
    pub fn unframe(&self, mut body: Vec<u8>) -> Vec<u8> {
        if self.is_grpc {
            body.drain(..GRPC_HEAD.min(body.len()));
        }
        body
    }

    /// Begins the body of a request with `size` bytes.
    fn begin(&self, size: usize) -> Vec<u8> {
        let mut body = Vec::with_capacity(size.saturating_add(GRPC_HEAD));
        if self.is_grpc {
            body.push(0);
            body.extend(u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
        }
        body
    }
}

/// Returns what a message of `size` bytes takes with its key, which is one byte here.
fn framed(size: usize) -> usize {
    let varint = encoded_len_varint(u64::try_from(size).unwrap_or(u64::MAX));
    size.saturating_add(varint).saturating_add(1)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
