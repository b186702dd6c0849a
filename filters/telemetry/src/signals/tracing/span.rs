//! What a span says of a stream.

use std::time::Duration;

use filter_core::Headers;

use super::{TagAction, Trace, Tracer, tags::redacted};
use crate::{
    export::otlp::{Attribute, Link, Span, SpanKind},
    expression::Attributes,
    signals::redactor::Redactor,
    stream::record::Record,
    trace_context::TraceState,
};

mod address;
pub(super) mod attributes;

/// Says in a span's flags that it is known whether the parent is another process's.
const HAS_IS_REMOTE: u32 = 0x100;
/// Says that it is.
const IS_REMOTE: u32 = 0x200;

/// What was seen of a stream until its end, beside its record.
#[derive(Clone, Debug)]
pub struct SpanInputs<'a> {
    /// The request's headers as they came in: later filters may have changed them.
    pub headers: &'a Headers,
    /// When it began, since 1970.
    pub began: Duration,
    /// The client's address, with its port.
    pub source: Vec<u8>,
    /// The client's protocol, such as `HTTP/1.1`.
    pub protocol: Vec<u8>,
    /// Envoy's response flags.
    pub flags: u64,
    /// Envoy's reason for the response.
    pub details: Vec<u8>,
    /// The cluster that was called.
    pub cluster: Vec<u8>,
}

/// What others have found about a stream.
#[derive(Clone, Copy)]
pub struct StreamOutcome<'a> {
    /// The stream when it had ended.
    pub record: &'a Record,
    /// The name of its operation, where one fits.
    pub operation: Option<&'a str>,
    /// Whether it counts as an error.
    pub is_error: bool,
    /// Whether the listener is an outbound one of a sidecar.
    pub is_client: bool,
}

impl<'a> SpanInputs<'a> {
    /// The headers that it reads, beside those of tags.
    pub(super) const HEADERS: [&'static str; 5] =
        [":method", ":path", ":scheme", ":authority", "user-agent"];

    fn header(&self, name: &str) -> &'a [u8] {
        self.headers.first(name).unwrap_or_default()
    }
}

impl Tracer {
    /// Makes the span of a stream that is reported, and counts the tags that could not be made.
    ///
    /// Texts are cut to `longest` bytes.
    #[must_use]
    pub fn span<'a>(
        &'a self,
        trace: &'a Trace,
        seen: &'a SpanInputs<'_>,
        outcome: &StreamOutcome<'a>,
        attributes: &dyn Attributes,
        redactor: &Redactor,
        longest: usize,
    ) -> (Span<'a>, u32) {
        let is_failed = outcome.is_failed();
        let mut own = outcome.attributes(seen, is_failed);
        let failures = self.apply_tags(&mut own, seen, attributes, redactor);
        own.iter_mut().for_each(|attribute| attribute.truncate(longest));
        let span = Span {
            trace_id: trace.trace_id,
            span_id: trace.span_id,
            trace_state: trace.state.as_ref().map(TraceState::as_str).unwrap_or_default().into(),
            parent_span_id: trace.parent,
            name: outcome.name(seen.header(":method")),
            kind: if outcome.is_client { SpanKind::Client } else { SpanKind::Server },
            start_time_unix_nano: nanos(seen.began),
            end_time_unix_nano: nanos(seen.began.saturating_add(outcome.record.duration)),
            attributes: own,
            link: trace.link(),
            is_failed,
            flags: trace.span_flags(),
        };
        (span, failures)
    }

    fn apply_tags<'a>(
        &'a self,
        own: &mut Vec<Attribute<'a>>,
        seen: &'a SpanInputs<'_>,
        attributes: &dyn Attributes,
        redactor: &Redactor,
    ) -> u32 {
        let mut failures = 0_u32;
        for tag in &self.tags {
            let there = own.iter().position(|attribute| attribute.key == tag.key);
            let there = there.map(|place| own.remove(place));
            let value = match &tag.action {
                TagAction::Remove => None,
                TagAction::Redact(redaction) => {
                    there.map(|it| redacted(&it.value, *redaction, redactor))
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
            own.extend(value.map(|value| Attribute::new(&*tag.key, value)));
        }
        failures
    }
}

impl StreamOutcome<'_> {
    /// Says whether the span's status is an error: a client's span is one from 400 on.
    fn is_failed(&self) -> bool {
        let refused = self.record.status.is_some_and(|status| status >= 400);
        self.is_error || (self.is_client && refused)
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
