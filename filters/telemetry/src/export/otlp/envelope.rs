//! Export requests: encoded items in an envelope with their resource and scope.

use filter_core::{
    grpc,
    protobuf::{bytes, length, message, varint_len},
};

use super::message::{Attribute, Span};

/// `ExportTraceServiceRequest.resource_spans`, `ExportLogsServiceRequest.resource_logs`.
const RESOURCE_ITEMS: u32 = 1;
/// `ResourceSpans.resource`, `ResourceLogs.resource`.
const RESOURCE: u32 = 1;
/// `ResourceSpans.scope_spans`, `ResourceLogs.scope_logs`.
const SCOPE_ITEMS: u32 = 2;
/// `ScopeSpans.scope`, `ScopeLogs.scope`.
const SCOPE: u32 = 1;
/// `ScopeSpans.spans`, `ScopeLogs.log_records`.
const ITEMS: u32 = 2;
/// Maximum length of the key and size of a message, in bytes.
const MAX_HEADER_LEN: usize = 6;
/// Initial capacity for an item, in bytes; most are shorter.
const ITEM_CAPACITY: usize = 768;

/// A span or log record, encoded as a field of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Item(Box<[u8]>);

/// The parts that all requests of one provider and signal share.
#[derive(Clone, Debug)]
pub struct Envelope {
    resource: Vec<u8>,
    scope: Vec<u8>,
    framing: Framing,
}

/// The framing of a request body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// None: the body is the message.
    Http,
    /// A gRPC length-prefixed message.
    Grpc,
}

impl Item {
    /// Encodes a message with the output of `fields`.
    pub(crate) fn new(fields: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = Vec::with_capacity(ITEM_CAPACITY);
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
    /// Encodes the span as an item of a request.
    #[must_use]
    pub fn encode_item(&self) -> Item {
        Item::new(|out| self.write(out))
    }
}

impl Envelope {
    /// Creates the envelope for a resource.
    #[must_use]
    pub fn new(resource_attributes: &[Attribute<'_>], framing: Framing) -> Self {
        let (mut resource, mut scope) = (Vec::new(), Vec::new());
        message(RESOURCE, &mut resource, |out| {
            for attribute in resource_attributes {
                message(1, out, |out| attribute.write(out));
            }
        });
        message(SCOPE, &mut scope, |out| {
            bytes(1, b"weir", out);
            bytes(2, env!("CARGO_PKG_VERSION").as_bytes(), out);
        });
        Self { resource, scope, framing }
    }

    /// Returns the maximum size of the envelope without items, in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.resource
            .len()
            .saturating_add(self.scope.len())
            .saturating_add(2 * MAX_HEADER_LEN + grpc::PREFIX_LEN)
    }

    /// Encodes a request body with these items.
    #[must_use]
    pub fn wrap<'a>(&self, items: impl Iterator<Item = &'a Item> + Clone) -> Vec<u8> {
        let items_size: usize = items.clone().map(Item::size).sum();
        let scope_items = self.scope.len().saturating_add(items_size);
        let resource_items = self.resource.len().saturating_add(framed(scope_items));
        let mut body = self.begin(framed(resource_items));
        length(RESOURCE_ITEMS, resource_items, &mut body);
        body.extend_from_slice(&self.resource);
        length(SCOPE_ITEMS, scope_items, &mut body);
        body.extend_from_slice(&self.scope);
        items.for_each(|item| body.extend_from_slice(&item.0));
        body
    }

    /// Adds framing to an encoded request.
    #[must_use]
    pub fn frame(&self, message: &[u8]) -> Vec<u8> {
        let mut body = self.begin(message.len());
        body.extend_from_slice(message);
        body
    }

    /// Removes the framing of a request body.
    #[must_use]
    pub fn unframe(&self, mut body: Vec<u8>) -> Vec<u8> {
        if self.framing == Framing::Grpc {
            body.drain(..grpc::PREFIX_LEN.min(body.len()));
        }
        body
    }

    /// Starts a body for a message of `size` bytes.
    fn begin(&self, size: usize) -> Vec<u8> {
        let mut body = Vec::with_capacity(size.saturating_add(grpc::PREFIX_LEN));
        if self.framing == Framing::Grpc {
            body.extend(grpc::prefix(size));
        }
        body
    }
}

/// Returns the size of a message field of `size` bytes with its length and its one-byte key.
fn framed(size: usize) -> usize {
    let varint = varint_len(u64::try_from(size).unwrap_or(u64::MAX));
    size.saturating_add(varint).saturating_add(1)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
