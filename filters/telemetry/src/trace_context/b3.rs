//! B3 propagation headers: <https://github.com/openzipkin/b3-propagation>.

use filter_core::Headers;

use super::{SpanId, TraceId, ids::hex};

/// A B3 context, from the single header `b3` or else the `x-b3-*` headers.
///
/// 64-bit trace ids are padded with zeros. The debug flag `d` counts as sampled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum B3 {
    /// The caller's span, with or without a sampling decision.
    Context {
        /// The trace id.
        trace_id: TraceId,
        /// The caller's span id.
        span_id: SpanId,
        /// The sampling decision; `None` if it is deferred.
        is_sampled: Option<bool>,
    },
    /// A sampling decision without ids.
    Decision(bool),
}

impl B3 {
    /// Extracts the context of a request; `None` if it is missing or malformed.
    #[must_use]
    pub fn from_headers(headers: &Headers) -> Option<Self> {
        match headers.first("b3") {
            Some(text) => Self::single(text),
            None => Self::multi(headers),
        }
    }

    fn single(text: &[u8]) -> Option<Self> {
        if let Some(is_sampled) = decision(text) {
            return Some(Self::Decision(is_sampled));
        }
        let parts: Vec<&[u8]> = text.split(|byte| *byte == b'-').collect();
        let (trace, span, rest) = match parts.as_slice() {
            [trace, span, rest @ ..] if rest.len() <= 2 => (trace, span, rest),
            _ => return None,
        };
        if rest.get(1).is_some_and(|parent| hex(parent, 16).is_none()) {
            return None;
        }
        let is_sampled = match rest.first() {
            None => None,
            Some(text) => Some(decision(text)?),
        };
        Some(Self::Context {
            trace_id: trace_id(trace)?,
            span_id: SpanId::parse(span)?,
            is_sampled,
        })
    }

    fn multi(headers: &Headers) -> Option<Self> {
        let is_debug = headers.first("x-b3-flags").is_some_and(|flags| flags == b"1");
        let sampled = headers.first("x-b3-sampled").and_then(decision);
        let is_sampled = if is_debug { Some(true) } else { sampled };
        let ids = (headers.first("x-b3-traceid"), headers.first("x-b3-spanid"));
        match ids {
            (Some(trace), Some(span)) => Some(Self::Context {
                trace_id: trace_id(trace)?,
                span_id: SpanId::parse(span)?,
                is_sampled,
            }),
            _ => is_sampled.map(Self::Decision),
        }
    }
}

fn decision(text: &[u8]) -> Option<bool> {
    match text {
        // Older libraries send `true` and `false`.
        b"1" | b"d" | b"true" => Some(true),
        b"0" | b"false" => Some(false),
        _ => None,
    }
}

fn trace_id(text: &[u8]) -> Option<TraceId> {
    TraceId::parse(text).or_else(|| hex(text, 16).and_then(TraceId::new))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";

    fn read(headers: &[(&str, &str)]) -> Option<B3> {
        B3::from_headers(&headers.iter().copied().collect())
    }

    fn context(is_sampled: Option<bool>) -> Option<B3> {
        let trace_id = super::trace_id(TRACE.as_bytes()).unwrap();
        Some(B3::Context { trace_id, span_id: SpanId::parse(SPAN.as_bytes()).unwrap(), is_sampled })
    }

    #[test]
    fn parses_the_single_header_of_up_to_four_parts() {
        for (rest, is_sampled) in [
            ("", None),
            ("-1", Some(true)),
            ("-0", Some(false)),
            ("-d", Some(true)),
            ("-1-05e3ac9a4f6e3b90", Some(true)),
        ] {
            assert_eq!(read(&[("b3", &format!("{TRACE}-{SPAN}{rest}"))]), context(is_sampled));
        }
        assert_eq!(read(&[("b3", "0")]), Some(B3::Decision(false)));
        assert_eq!(read(&[("b3", "d")]), Some(B3::Decision(true)));
    }

    #[test]
    fn pads_64_bit_trace_ids() {
        let Some(B3::Context { trace_id, .. }) = read(&[("b3", &format!("{SPAN}-{SPAN}-1"))])
        else {
            panic!("no context");
        };
        assert_eq!(trace_id.to_string(), format!("0000000000000000{SPAN}"));
    }

    #[test]
    fn parses_the_x_b3_headers() {
        let ids = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)];
        assert_eq!(read(&ids), context(None));
        for (name, value, is_sampled) in [
            ("x-b3-sampled", "1", Some(true)),
            ("x-b3-sampled", "true", Some(true)),
            ("x-b3-sampled", "0", Some(false)),
            ("x-b3-sampled", "maybe", None),
            ("x-b3-flags", "1", Some(true)),
        ] {
            assert_eq!(read(&[ids[0], ids[1], (name, value)]), context(is_sampled));
        }
        assert_eq!(read(&[("x-b3-sampled", "0")]), Some(B3::Decision(false)));
        assert_eq!(read(&[("b3", "0"), ids[0], ids[1]]), Some(B3::Decision(false)));
    }

    #[test]
    fn ignores_malformed_headers() {
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            "x".to_owned(),
            TRACE.to_owned(),
            format!("{TRACE}-"),
            format!("{TRACE}-{SPAN}-2"),
            format!("{TRACE}-{SPAN}-1-x"),
            format!("{TRACE}-{SPAN}-1-{SPAN}-1"),
            format!("{zeros}-{SPAN}-1"),
            format!("{TRACE}-0000000000000000-1"),
            format!("{}-{SPAN}-1", TRACE.to_uppercase()),
        ] {
            assert_eq!(read(&[("b3", &text)]), None, "{text}");
        }
        assert_eq!(read(&[("x-b3-traceid", TRACE)]), None);
        assert_eq!(read(&[("x-b3-traceid", TRACE), ("x-b3-spanid", "1")]), None);
        assert_eq!(read(&[]), None);
    }
}
