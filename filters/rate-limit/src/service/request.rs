//! Requests to the service.

use std::time::Duration;

use filter_core::{
    grpc,
    protobuf::{bytes, message, varint},
};

use super::Rate;

/// The path of the method.
const PATH: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// The name of a count of the service: a path of keys and values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Descriptor {
    /// Keys with their values, none of them empty.
    pub entries: Vec<(String, String)>,
    /// The rate to apply; `None` for the rate that the service configures.
    pub limit: Option<Rate>,
}

impl Descriptor {
    fn write(&self, out: &mut Vec<u8>) {
        for (key, value) in &self.entries {
            message(1, out, |out| {
                bytes(1, key.as_bytes(), out);
                bytes(2, value.as_bytes(), out);
            });
        }
        if let Some(limit) = self.limit {
            message(2, out, |out| {
                varint(1, limit.requests_per_unit.into(), out);
                varint(2, limit.unit.number(), out);
            });
        }
    }
}

/// Encodes the body of a call that draws `hits` from the count of each descriptor.
///
/// Zero hits count as one, as in the services.
#[must_use]
pub fn encode(domain: &str, descriptors: &[Descriptor], hits: u32) -> Vec<u8> {
    let mut encoded = Vec::new();
    bytes(1, domain.as_bytes(), &mut encoded);
    for descriptor in descriptors {
        message(2, &mut encoded, |out| descriptor.write(out));
    }
    varint(3, hits.max(1).into(), &mut encoded);
    [&grpc::prefix(encoded.len()), &*encoded].concat()
}

/// Returns the headers of a call.
#[must_use]
pub fn headers(authority: &str, timeout: Duration) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        (":method", "POST".to_owned()),
        (":scheme", "http".to_owned()),
        (":path", PATH.to_owned()),
        (":authority", authority.to_owned()),
        ("user-agent", concat!("weir-rate-limit/", env!("CARGO_PKG_VERSION")).to_owned()),
    ];
    headers.extend(grpc::headers(timeout));
    headers
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::service::Unit;

    fn descriptor(entries: &[(&str, &str)], limit: Option<Rate>) -> Descriptor {
        let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Descriptor { entries: entries.collect(), limit }
    }

    #[test]
    fn encodes_each_field_with_its_number() {
        let limit = Rate { requests_per_unit: 300, unit: Unit::Minute };
        let body = encode(
            "d",
            &[
                descriptor(&[("limit", "user"), ("sub", "é")], None),
                descriptor(&[("a", "b")], Some(limit)),
            ],
            7,
        );
        let expected = [
            &[0, 0, 0, 0, 50][..],
            b"\x0a\x01d",
            b"\x12\x1a\x0a\x0d\x0a\x05limit\x12\x04user\x0a\x09\x0a\x03sub\x12\x02\xc3\xa9",
            b"\x12\x0f\x0a\x06\x0a\x01a\x12\x01b\x12\x05\x08\xac\x02\x10\x02",
            b"\x18\x07",
        ]
        .concat();
        assert_eq!(body, expected);
    }

    #[test]
    fn asks_for_at_least_one_hit() {
        assert_eq!(encode("", &[], 0), encode("", &[], 1));
        assert!(encode("", &[], u32::MAX).ends_with(&[0x18, 0xff, 0xff, 0xff, 0xff, 0x0f]));
    }

    #[test]
    fn a_long_descriptor_keeps_its_length() {
        let long = "x".repeat(70_000);
        let body = encode("d", &[descriptor(&[("k", &long)], None)], 1);
        let content = grpc::whole_message(&body).unwrap();
        let fields: Result<Vec<_>, _> = filter_core::protobuf::whole_fields(content).collect();
        assert_eq!(fields.unwrap().len(), 3);
    }

    #[test]
    fn the_headers_are_those_of_a_grpc_call() {
        let headers = headers("limits:8081", Duration::from_millis(20));
        for expected in [
            (":path", PATH),
            (":authority", "limits:8081"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("grpc-timeout", "20m"),
        ] {
            assert!(headers.iter().any(|(name, value)| (*name, &**value) == expected));
        }
    }
}
