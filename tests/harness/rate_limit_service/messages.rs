//! The messages of the service, without fields that neither servers nor filters use.

use std::time::Duration;

/// `envoy.service.ratelimit.v3.RateLimitRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RateLimitRequest {
    /// The domain of the limits.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// The descriptors. Each of them can meet a limit.
    #[prost(message, repeated, tag = "2")]
    pub descriptors: Vec<Descriptor>,
    /// Number of hits to count. 0 means 1.
    #[prost(uint32, tag = "3")]
    pub hits_addend: u32,
}

/// `envoy.extensions.common.ratelimit.v3.RateLimitDescriptor`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Descriptor {
    /// The entries in order.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<Entry>,
    /// The limit in place of the configured one.
    #[prost(message, optional, tag = "2")]
    pub limit: Option<LimitOverride>,
    /// Number of hits to count in place of the request's.
    #[prost(message, optional, tag = "3")]
    pub hits_addend: Option<u64>,
}

/// `envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.Entry`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Entry {
    /// The key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.RateLimitOverride`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct LimitOverride {
    /// Number of requests per unit.
    #[prost(uint32, tag = "1")]
    pub requests_per_unit: u32,
    /// Number of a [`Unit`](super::Unit).
    #[prost(int32, tag = "2")]
    pub unit: i32,
}

/// `envoy.service.ratelimit.v3.RateLimitResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RateLimitResponse {
    /// The decision. It may be a number that is not a [`Code`].
    #[prost(enumeration = "Code", tag = "1")]
    pub overall_code: i32,
    /// The statuses. The protocol requires one per descriptor; Limitador sends none.
    #[prost(message, repeated, tag = "2")]
    pub statuses: Vec<DescriptorStatus>,
    /// Headers for the response to the client.
    #[prost(message, repeated, tag = "3")]
    pub response_headers_to_add: Vec<HeaderValue>,
    /// Headers for the request to the upstream.
    #[prost(message, repeated, tag = "4")]
    pub request_headers_to_add: Vec<HeaderValue>,
    /// Body of the response to a rejected client.
    #[prost(bytes = "vec", tag = "5")]
    pub raw_body: Vec<u8>,
}

/// The decision of a response or a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Code {
    /// The service cannot decide.
    Unknown = 0,
    /// The request is allowed.
    Ok = 1,
    /// The request is over a limit.
    OverLimit = 2,
}

/// `envoy.service.ratelimit.v3.RateLimitResponse.DescriptorStatus`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct DescriptorStatus {
    /// The decision for the descriptor.
    #[prost(enumeration = "Code", tag = "1")]
    pub code: i32,
    /// The limit of the descriptor. `None` if no limit matches.
    #[prost(message, optional, tag = "2")]
    pub current_limit: Option<RateLimit>,
    /// Number of requests left until the reset.
    #[prost(uint32, tag = "3")]
    pub limit_remaining: u32,
    /// Time until the counts are reset.
    #[prost(message, optional, tag = "4")]
    pub duration_until_reset: Option<ProtoDuration>,
}

/// `envoy.service.ratelimit.v3.RateLimitResponse.RateLimit`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RateLimit {
    /// Number of requests per unit.
    #[prost(uint32, tag = "1")]
    pub requests_per_unit: u32,
    /// Number of a [`Unit`](super::Unit).
    #[prost(int32, tag = "2")]
    pub unit: i32,
    /// Name of the limit.
    #[prost(string, tag = "3")]
    pub name: String,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct ProtoDuration {
    /// Seconds, which may be negative.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds, with the same sign.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `envoy.config.core.v3.HeaderValue`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct HeaderValue {
    /// The name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
    /// The value if it is not UTF-8.
    #[prost(bytes = "vec", tag = "3")]
    pub raw_value: Vec<u8>,
}

impl RateLimitRequest {
    /// Creates a request for one hit with one descriptor.
    pub fn new(domain: &str, entries: &[(&str, &str)]) -> Self {
        let descriptors = vec![Descriptor::new(entries)];
        Self { domain: domain.to_owned(), descriptors, hits_addend: 0 }
    }

    /// Replaces the number of hits.
    pub fn hits(mut self, hits: u32) -> Self {
        self.hits_addend = hits;
        self
    }
}

impl Descriptor {
    /// Creates a descriptor with these keys and values.
    pub fn new(entries: &[(&str, &str)]) -> Self {
        let entry = |(key, value): &(&str, &str)| Entry {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        Self { entries: entries.iter().map(entry).collect(), limit: None, hits_addend: None }
    }
}

impl RateLimitResponse {
    /// Creates a response without statuses.
    pub fn new(code: Code) -> Self {
        Self { overall_code: code.into(), ..Self::default() }
    }

    /// Adds a status with the overall code.
    pub fn status(mut self, remaining: u32, reset: Option<Duration>) -> Self {
        self.statuses.push(DescriptorStatus {
            code: self.overall_code,
            current_limit: None,
            limit_remaining: remaining,
            duration_until_reset: reset.map(ProtoDuration::from),
        });
        self
    }

    /// Adds a header for the response to the client.
    pub fn response_header(mut self, key: &str, value: &str) -> Self {
        self.response_headers_to_add.push(HeaderValue::new(key, value));
        self
    }

    /// Adds a header for the request to the upstream.
    pub fn request_header(mut self, key: &str, value: &str) -> Self {
        self.request_headers_to_add.push(HeaderValue::new(key, value));
        self
    }

    /// Replaces the body for a rejected client.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.raw_body = body.into();
        self
    }
}

impl HeaderValue {
    /// Creates a header.
    pub fn new(key: &str, value: &str) -> Self {
        Self { key: key.to_owned(), value: value.to_owned(), raw_value: Vec::new() }
    }
}

impl From<Duration> for ProtoDuration {
    fn from(duration: Duration) -> Self {
        Self {
            seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
        }
    }
}
