//! Response headers with the timing and ids of a request.

use std::time::Duration;

use filter_core::{HeaderName, Request, Warning};

use crate::{
    config::ResponseHeadersConfig,
    expression::{Attributes, EvaluationError, Phase},
    policy::compiler::Compiler,
    signals::filter::Filter,
};

/// The headers to add to responses.
#[derive(Debug)]
pub struct ResponseHeaders {
    filter: Option<Filter>,
    server_timing: bool,
    trace_id: Option<HeaderName>,
    request_id: bool,
}

/// The header of Envoy's request id.
pub const REQUEST_ID: &str = "x-request-id";

impl ResponseHeaders {
    pub(crate) fn compile(config: &ResponseHeadersConfig, compiler: &mut Compiler) -> Self {
        if !config.server_timing && config.trace_id.is_none() && !config.request_id {
            let rule = "must have serverTiming, traceId or requestId";
            compiler.errors.add("responseHeaders", rule);
        }
        if config.filter.is_none() {
            let message = "without a filter, every caller receives timings and ids";
            compiler.warnings.push(Warning::new("responseHeaders", message));
        }
        let filter = config
            .filter
            .as_ref()
            .and_then(|filter| compiler.filter(filter, Phase::Request, "responseHeaders.filter"));
        Self {
            filter,
            server_timing: config.server_timing,
            trace_id: config.trace_id.as_ref().map(|name| name.clone().into_header_name()),
            request_id: config.request_id,
        }
    }

    /// Returns the filter that selects requests; `None` selects all.
    #[must_use]
    pub const fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// Returns `true` if the request id is added.
    #[must_use]
    pub const fn adds_request_id(&self) -> bool {
        self.request_id
    }

    /// Returns `true` if the headers are added to the response of this request.
    ///
    /// # Errors
    ///
    /// Fails if the filter expression does; then no headers are added.
    pub fn applies_to(
        &self,
        at: &dyn Attributes,
        request: &Request,
    ) -> Result<bool, EvaluationError> {
        self.filter.as_ref().map_or(Ok(true), |filter| filter.holds(at, request))
    }

    /// Returns the headers of a response that started `elapsed` after the request.
    #[must_use]
    pub fn headers(
        &self,
        elapsed: Duration,
        trace_id: Option<&str>,
        request_id: Option<&[u8]>,
    ) -> Vec<(&str, Vec<u8>)> {
        let tenths = elapsed.as_micros().saturating_add(50).checked_div(100).unwrap_or_default();
        let (whole, tenth) = (
            tenths.checked_div(10).unwrap_or_default(),
            tenths.checked_rem(10).unwrap_or_default(),
        );
        let timing = self
            .server_timing
            .then(|| ("server-timing", format!("proxy;dur={whole}.{tenth}").into_bytes()));
        let trace = self.trace_id.as_ref().zip(trace_id);
        let trace = trace.map(|(name, id)| (name.as_str(), id.as_bytes().to_vec()));
        let request = request_id.filter(|_| self.request_id).map(|id| (REQUEST_ID, id.to_vec()));
        [timing, trace, request].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn compile(document: &str) -> Result<(ResponseHeaders, Vec<Warning>), String> {
        let config =
            filter_core::parse_config(document.as_bytes()).map_err(|error| error.to_string())?;
        let mut compiler = Compiler::default();
        let headers = ResponseHeaders::compile(&config, &mut compiler);
        let Compiler { errors, warnings, .. } = compiler;
        errors.finish((headers, warnings)).map_err(|error| error.to_string())
    }

    #[test]
    fn returns_the_configured_headers() {
        let all = r#"{"serverTiming": true, "traceId": "X-Trace-Id", "requestId": true}"#;
        let (all, _) = compile(all).unwrap();
        let elapsed = Duration::from_micros(12_345);
        assert_eq!(
            all.headers(elapsed, Some("0af7"), Some(b"id\xff")),
            [
                ("server-timing", b"proxy;dur=12.3".to_vec()),
                ("x-trace-id", b"0af7".to_vec()),
                ("x-request-id", b"id\xff".to_vec()),
            ]
        );
        assert_eq!(all.headers(elapsed, None, None).len(), 1, "missing ids are omitted");
        let (timing, _) = compile(r#"{"serverTiming": true}"#).unwrap();
        assert_eq!(timing.headers(Duration::ZERO, Some("a"), Some(b"b")).len(), 1);
    }

    #[test]
    fn rejects_no_headers_and_warns_without_a_filter() {
        let nothing = "responseHeaders: must have serverTiming, traceId or requestId";
        assert_eq!(compile(r#"{"filter": {"match": []}}"#).unwrap_err(), nothing);
        assert_eq!(compile(r#"{"requestId": true}"#).unwrap().1.len(), 1);
        let filtered =
            r#"{"requestId": true, "filter": {"match": [{"method": {"exact": "GET"}}]}}"#;
        assert!(compile(filtered).unwrap().1.is_empty());
        let late = r#"{"requestId": true, "filter": {"expression": "response.code == 200"}}"#;
        assert!(compile(late).unwrap_err().starts_with("responseHeaders.filter.expression: "));
        assert!(compile(r#"{"traceId": "connection"}"#).is_err());
    }
}
