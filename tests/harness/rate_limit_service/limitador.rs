//! A server that responds like Limitador's.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ::limitador::{CheckResult, RateLimiter, limit::Context};
use anyhow::Result;
use hyper::Response;
use prost::Message;

use super::{Code, HeaderValue, Limits, RateLimitRequest, RateLimitResponse};
use crate::{
    grpc, ports,
    server::{Body, Server},
};

/// Maximum number of counts for limits with any value.
const COUNTS: u64 = 1_000_000;

/// The headers in responses of Limitador, its option `--rate-limit-headers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimitHeaders {
    /// None.
    None,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`.
    DraftVersion03,
}

/// Limitador with counts in memory.
///
/// The library of Limitador counts; the server around it, which is in no package registry, is this
/// one. It sends no statuses, and a rejected request takes nothing.
#[derive(Debug)]
pub struct LimitadorService {
    server: Server,
    granted: Arc<AtomicU64>,
}

struct State {
    limiter: RateLimiter,
    headers: RateLimitHeaders,
    granted: Arc<AtomicU64>,
}

impl LimitadorService {
    /// Starts the service on a free port.
    ///
    /// # Errors
    /// If a limit is invalid, the port cannot be bound or the thread cannot be started.
    pub fn start(limits: &Limits, headers: RateLimitHeaders) -> Result<Self> {
        Self::start_on(ports::listen(0)?, limits, headers)
    }

    /// Starts the service on `listener`.
    ///
    /// # Errors
    /// If a limit is invalid or the thread cannot be started.
    pub fn start_on(
        listener: TcpListener,
        limits: &Limits,
        headers: RateLimitHeaders,
    ) -> Result<Self> {
        let limiter = RateLimiter::new(COUNTS);
        for limit in limits.limitador()? {
            limiter.add_limit(limit);
        }
        let granted = Arc::default();
        let state = Arc::new(State { limiter, headers, granted: Arc::clone(&granted) });
        let server = super::serve(listener, move |call, _| {
            let response = state.respond(call.request);
            async { response }
        })?;
        Ok(Self { server, granted })
    }

    /// Returns the address of the service.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the number of hits that were allowed.
    pub fn granted(&self) -> u64 {
        self.granted.load(Ordering::Relaxed)
    }
}

impl State {
    fn respond(&self, request: RateLimitRequest) -> Response<Body> {
        if request.domain.is_empty() {
            return grpc::message(&RateLimitResponse::new(Code::Unknown).encode_to_vec());
        }
        let hits = u64::from(request.hits_addend.max(1));
        let domain = request.domain.into();
        let values = |descriptor: super::Descriptor| -> HashMap<String, String> {
            descriptor.entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
        };
        let mut context = Context::default();
        let descriptors = request.descriptors.into_iter().map(values).collect();
        context.list_binding("descriptors".to_owned(), descriptors);
        let Ok(result) = self.limiter.check_rate_limited_and_update(&domain, &context, hits) else {
            return grpc::error(grpc::UNAVAILABLE, "Service unavailable");
        };
        if !result.limited {
            self.granted.fetch_add(hits, Ordering::Relaxed);
        }
        grpc::message(&self.message(result).encode_to_vec())
    }

    fn message(&self, mut result: CheckResult) -> RateLimitResponse {
        let code = if result.limited { Code::OverLimit } else { Code::Ok };
        let mut response = RateLimitResponse::new(code);
        if self.headers == RateLimitHeaders::DraftVersion03 {
            let headers = result.response_header().into_iter();
            response.response_headers_to_add =
                headers.map(|(key, value)| HeaderValue::new(&key, &value)).collect();
            response.response_headers_to_add.sort_by(|a, b| a.key.cmp(&b.key));
        }
        response
    }
}
