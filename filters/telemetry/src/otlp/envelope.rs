//! Requests: items in an envelope that says who they are about.

use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint},
};

use super::message::{Attribute, Resource, Scope, Span};

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
    /// Encodes a message.
    pub(super) fn new(message: &impl Message) -> Self {
        let mut bytes = Vec::with_capacity(message.encoded_len().saturating_add(HEAD));
        prost::encoding::message::encode(ITEMS, message, &mut bytes);
        Self(bytes.into())
    }

    /// Returns the size in bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.0.len()
    }
}

impl Span {
    /// Encodes the span as one item of a request.
    #[must_use]
    pub fn encode_item(&self) -> Item {
        Item::new(self)
    }
}

impl Envelope {
    /// Makes the envelope of everything that is about `resource`.
    #[must_use]
    pub fn new(resource: Vec<Attribute>, is_grpc: bool) -> Self {
        let scope =
            Scope { name: "weir".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let encode = |tag, message: &dyn Fn(u32, &mut Vec<u8>)| {
            let mut bytes = Vec::new();
            message(tag, &mut bytes);
            bytes
        };
        let resource = Resource { attributes: resource };
        Self {
            resource: encode(RESOURCE, &|tag, out| {
                prost::encoding::message::encode(tag, &resource, out);
            }),
            scope: encode(SCOPE, &|tag, out| prost::encoding::message::encode(tag, &scope, out)),
            is_grpc,
        }
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

/// Begins a message of `size` bytes.
fn open(tag: u32, size: usize, out: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(u64::try_from(size).unwrap_or(u64::MAX), out);
}

/// Returns what a message of `size` bytes takes with its key, which is one byte here.
fn framed(size: usize) -> usize {
    let varint = encoded_len_varint(u64::try_from(size).unwrap_or(u64::MAX));
    size.saturating_add(varint).saturating_add(1)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
