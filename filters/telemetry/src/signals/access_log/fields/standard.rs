//! The fields that every record has: those of Istio under its names, and ours.

/// What a standard field holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    RecordField(RecordField),
    Expression(&'static str),
    /// The path that the client asked for, without its query.
    Path,
    /// The names of `response.flags`.
    Flags,
}

/// What this filter knows better than the proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RecordField {
    Status,
    RequestBytes,
    ResponseBytes,
    Millis,
    Error,
}

use Source::{Expression, RecordField as Known};

/// The name of the field that only documents with operations have.
const OPERATION: &str = "weir.operation";

/// What a record of OTLP has besides its fields.
const OUTSIDE: [&str; 3] = ["request.time", "weir.traceId", "weir.spanId"];

pub(super) const STANDARD: [(&str, Source); 22] = [
    ("start_time", Expression("request.time")),
    ("method", Expression("request.method")),
    ("path", Source::Path),
    ("authority", Expression("request.host")),
    ("protocol", Expression("request.protocol")),
    ("response_code", Known(RecordField::Status)),
    ("response_code_details", Expression("response.code_details")),
    ("response_flags", Source::Flags),
    ("bytes_received", Known(RecordField::RequestBytes)),
    ("bytes_sent", Known(RecordField::ResponseBytes)),
    ("duration", Known(RecordField::Millis)),
    ("upstream_host", Expression("upstream.address")),
    ("upstream_cluster", Expression("xds.cluster_name")),
    ("route_name", Expression("xds.route_name")),
    ("downstream_remote_address", Expression("source.address")),
    ("x_forwarded_for", Expression("request.headers['x-forwarded-for']")),
    ("user_agent", Expression("request.useragent")),
    ("request_id", Expression("request.id")),
    ("operation", Expression(OPERATION)),
    ("trace_id", Expression("weir.traceId")),
    ("span_id", Expression("weir.spanId")),
    ("error", Known(RecordField::Error)),
];

impl Source {
    /// Says whether a record has the field unless told otherwise.
    pub(super) fn is_in(self, is_line: bool, has_operations: bool) -> bool {
        match self {
            Expression(OPERATION) => has_operations,
            Expression(text) => is_line || !OUTSIDE.contains(&text),
            _ => true,
        }
    }
}
