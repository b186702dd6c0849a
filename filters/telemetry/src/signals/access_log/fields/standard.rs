//! The standard fields, with Istio's names where Istio has them.

/// The source of a standard field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Source {
    RecordField(RecordField),
    Expression(&'static str),
    /// The path of the client's request, without its query.
    Path,
    /// The names of the response flags.
    Flags,
}

/// A value that this filter measures itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RecordField {
    Status,
    RequestBytes,
    ResponseBytes,
    Millis,
    Error,
}

use Source::{Expression, RecordField as Measured};

/// The expression of the field that exists only in documents with operations.
const OPERATION: &str = "weir.operation";

/// Expressions whose values an OTLP record has outside its attributes.
const OUTSIDE_ATTRIBUTES: [&str; 3] = ["request.time", "weir.traceId", "weir.spanId"];

pub(super) const STANDARD: [(&str, Source); 22] = [
    ("start_time", Expression("request.time")),
    ("method", Expression("request.method")),
    ("path", Source::Path),
    ("authority", Expression("request.host")),
    ("protocol", Expression("request.protocol")),
    ("response_code", Measured(RecordField::Status)),
    ("response_code_details", Expression("response.code_details")),
    ("response_flags", Source::Flags),
    ("bytes_received", Measured(RecordField::RequestBytes)),
    ("bytes_sent", Measured(RecordField::ResponseBytes)),
    ("duration", Measured(RecordField::Millis)),
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
    ("error", Measured(RecordField::Error)),
];

impl Source {
    /// Returns `true` if records contain the field by default.
    pub(super) fn is_in(self, is_line: bool, has_operations: bool) -> bool {
        match self {
            Expression(OPERATION) => has_operations,
            Expression(text) => is_line || !OUTSIDE_ATTRIBUTES.contains(&text),
            Measured(_) | Self::Path | Self::Flags => true,
        }
    }
}
