//! Spans of streams.

use std::time::Duration;

use filter_core::{Headers, Redactor};

use super::{TagAction, Trace, Tracer, tags::redacted};
use crate::{
    export::otlp::{Attribute, Link, Span, SpanKind},
    expression::Attributes,
    stream::record::Record,
    trace_context::TraceState,
};

mod address;
pub(super) mod attributes;

/// `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK` of OTLP.
const HAS_IS_REMOTE: u32 = 0x100;
/// `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK` of OTLP.
const IS_REMOTE: u32 = 0x200;

/// Properties of a stream that are not part of its record.
#[derive(Clone, Debug)]
pub struct SpanInputs<'a> {
    /// The request headers as received, before later filters.
    pub headers: &'a Headers,
    /// The start time since the Unix epoch.
    pub began: Duration,
    /// The address of the client with its port.
    pub source: Vec<u8>,
    /// The protocol of the request, such as `HTTP/1.1`.
    pub protocol: Vec<u8>,
    /// Envoy's response flags.
    pub flags: u64,
    /// Envoy's response code details.
    pub details: Vec<u8>,
    /// The upstream cluster.
    pub cluster: Vec<u8>,
}

/// The outcome of a stream.
#[derive(Clone, Copy)]
pub struct StreamOutcome<'a> {
    /// The record of the completed stream.
    pub record: &'a Record,
    /// The name of the operation, if any.
    pub operation: Option<&'a str>,
    /// Whether the stream is an error.
    pub is_error: bool,
    /// Whether the listener is an outbound listener of a sidecar.
    pub is_client: bool,
}

impl<'a> SpanInputs<'a> {
    /// The headers that spans need, apart from those of tags.
    pub(super) const HEADERS: [&'static str; 5] =
        [":method", ":path", ":scheme", ":authority", "user-agent"];

    fn header(&self, name: &str) -> &'a [u8] {
        self.headers.first(name).unwrap_or_default()
    }
}

impl Tracer {
    /// Builds the span of a stream. Also returns the number of tags whose expression failed.
    ///
    /// Texts are truncated to `max_len` bytes.
    #[must_use]
    pub fn span<'a>(
        &'a self,
        trace: &'a Trace,
        seen: &'a SpanInputs<'_>,
        outcome: &StreamOutcome<'a>,
        attributes: &dyn Attributes,
        redactor: &Redactor,
        max_len: usize,
    ) -> (Span<'a>, u32) {
        let is_failed = outcome.is_failed();
        let mut span_attributes = outcome.attributes(seen, is_failed);
        let failures = self.apply_tags(&mut span_attributes, seen, attributes, redactor);
        span_attributes.iter_mut().for_each(|attribute| attribute.truncate(max_len));
        let span = Span {
            trace_id: trace.trace_id,
            span_id: trace.span_id,
            trace_state: trace.state.as_ref().map(TraceState::as_str).unwrap_or_default().into(),
            parent_span_id: trace.parent,
            name: outcome.name(seen.header(":method")),
            kind: if outcome.is_client { SpanKind::Client } else { SpanKind::Server },
            start_time_unix_nano: nanos(seen.began),
            end_time_unix_nano: nanos(seen.began.saturating_add(outcome.record.duration)),
            attributes: span_attributes,
            link: trace.link(),
            is_failed,
            flags: trace.span_flags(),
        };
        (span, failures)
    }

    fn apply_tags<'a>(
        &'a self,
        span_attributes: &mut Vec<Attribute<'a>>,
        seen: &'a SpanInputs<'_>,
        attributes: &dyn Attributes,
        redactor: &Redactor,
    ) -> u32 {
        let mut failures = 0_u32;
        for tag in &self.tags {
            let built_in = span_attributes.iter().position(|attribute| attribute.key == tag.key);
            let built_in = built_in.map(|index| span_attributes.remove(index));
            let value = match &tag.action {
                TagAction::Remove => None,
                TagAction::Redact(redaction) => {
                    built_in.map(|attribute| redacted(&attribute.value, *redaction, redactor))
                }
                TagAction::Put(source, redaction) => {
                    let value = source.value(seen.headers, attributes).unwrap_or_else(|_| {
                        failures = failures.saturating_add(1);
                        None
                    });
                    value.map(|value| match redaction {
                        Some(redaction) => redacted(&value, *redaction, redactor),
                        None => value,
                    })
                }
            };
            span_attributes.extend(value.map(|value| Attribute::new(&*tag.key, value)));
        }
        failures
    }
}

impl StreamOutcome<'_> {
    /// Returns `true` if the status of the span is an error. Client spans also fail with a status
    /// from 400.
    fn is_failed(&self) -> bool {
        let has_error_status = self.record.status.is_some_and(|status| status >= 400);
        self.is_error || (self.is_client && has_error_status)
    }
}

impl Trace {
    fn span_flags(&self) -> u32 {
        let remote = if self.parent.is_some() { HAS_IS_REMOTE | IS_REMOTE } else { 0 };
        u32::from(self.flags) | remote
    }

    fn link(&self) -> Option<Link> {
        self.link.map(|parent| Link {
            trace_id: parent.trace_id(),
            span_id: parent.span_id(),
            flags: u32::from(parent.flags()) | HAS_IS_REMOTE | IS_REMOTE,
        })
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
