//! Envoy's attributes with their encodings and phases.
//!
//! <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes>

use super::attribute::{Encoding, Phase};

/// The fields of a first path segment.
pub(super) struct Root {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
}

/// The name, shape and phase of a field.
pub(super) type Field = (&'static str, Shape, Phase);

/// The shape of a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// A single value.
    Leaf(Encoding),
    /// Nested values whose names come from the configuration of the proxy or from other filters.
    Tree,
    /// Texts by header name.
    Headers,
}

use Phase::{End, Request};
use Shape::{Headers, Leaf, Tree};

const TEXT: Shape = Leaf(Encoding::Text);
const INT: Shape = Leaf(Encoding::Int);
const DURATION: Shape = Leaf(Encoding::Duration);

pub(super) const ROOTS: [Root; 10] = [
    Root { name: "request", fields: &REQUEST },
    Root { name: "response", fields: &RESPONSE },
    Root { name: "source", fields: &PEER },
    Root { name: "destination", fields: &PEER },
    Root { name: "connection", fields: &CONNECTION },
    Root { name: "upstream", fields: &UPSTREAM },
    Root { name: "xds", fields: &XDS },
    Root { name: "metadata", fields: &[("filter_metadata", Tree, Request)] },
    Root { name: "filter_state", fields: &[] },
    Root { name: "upstream_filter_state", fields: &[] },
];

const REQUEST: [Field; 16] = [
    ("path", TEXT, Request),
    ("url_path", TEXT, Request),
    ("host", TEXT, Request),
    ("scheme", TEXT, Request),
    ("method", TEXT, Request),
    ("headers", Headers, Request),
    ("headers_bytes", INT, Request),
    ("referer", TEXT, Request),
    ("useragent", TEXT, Request),
    ("time", Leaf(Encoding::Timestamp), Request),
    ("id", TEXT, Request),
    ("protocol", TEXT, Request),
    ("query", TEXT, Request),
    ("duration", DURATION, End),
    ("size", INT, End),
    ("total_size", INT, End),
];

const RESPONSE: [Field; 10] = [
    ("code", INT, End),
    ("code_details", TEXT, End),
    ("flags", INT, End),
    ("grpc_status", INT, End),
    ("headers", Headers, End),
    ("headers_bytes", INT, End),
    ("trailers", Headers, End),
    ("size", INT, End),
    ("total_size", INT, End),
    ("backend_latency", DURATION, End),
];

const PEER: [Field; 2] = [("address", TEXT, Request), ("port", INT, Request)];

const CONNECTION: [Field; 14] = [
    ("id", INT, Request),
    ("mtls", Leaf(Encoding::Bool), Request),
    ("requested_server_name", TEXT, Request),
    ("tls_version", TEXT, Request),
    ("subject_local_certificate", TEXT, Request),
    ("subject_peer_certificate", TEXT, Request),
    ("dns_san_local_certificate", TEXT, Request),
    ("dns_san_peer_certificate", TEXT, Request),
    ("uri_san_local_certificate", TEXT, Request),
    ("uri_san_peer_certificate", TEXT, Request),
    ("sha256_peer_certificate_digest", TEXT, Request),
    ("peer_certificate", TEXT, Request),
    ("transport_failure_reason", TEXT, Request),
    ("termination_details", TEXT, End),
];

const UPSTREAM: [Field; 17] = [
    ("address", TEXT, End),
    ("num_endpoints", INT, End),
    ("port", INT, End),
    ("tls_version", TEXT, End),
    ("subject_local_certificate", TEXT, End),
    ("subject_peer_certificate", TEXT, End),
    ("dns_san_local_certificate", TEXT, End),
    ("dns_san_peer_certificate", TEXT, End),
    ("uri_san_local_certificate", TEXT, End),
    ("uri_san_peer_certificate", TEXT, End),
    ("sha256_peer_certificate_digest", TEXT, End),
    ("peer_certificate", TEXT, End),
    ("local_address", TEXT, End),
    ("transport_failure_reason", TEXT, End),
    ("request_attempt_count", INT, End),
    ("cx_pool_ready_duration", DURATION, End),
    ("locality", Tree, End),
];

const XDS: [Field; 12] = [
    ("node", Tree, Request),
    ("cluster_name", TEXT, Request),
    ("cluster_metadata", Tree, Request),
    ("listener_direction", INT, Request),
    ("listener_metadata", Tree, Request),
    ("route_name", TEXT, Request),
    ("route_metadata", Tree, Request),
    ("virtual_host_name", TEXT, Request),
    ("virtual_host_metadata", Tree, Request),
    ("upstream_host_metadata", Tree, End),
    ("upstream_host_locality_metadata", Tree, End),
    ("filter_chain_name", TEXT, Request),
];
