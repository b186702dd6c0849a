//! A fake collector with configurable failures.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, Response, body::Bytes};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest,
        trace::v1::{
            ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
        },
    },
    trace::v1::Span,
};
use prost::Message;

use crate::{
    grpc, ports,
    server::{Body, Server},
};

/// The behaviour of the collector.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Behaviour {
    /// It accepts everything.
    #[default]
    Healthy,
    /// It responds with this HTTP status and these headers, and stores nothing.
    Status(u16, Vec<(String, String)>),
    /// It responds with these gRPC trailers, and stores nothing.
    Grpc(Vec<(String, String)>),
    /// It rejects this many spans or log records of each request and accepts the rest.
    Partial(usize),
    /// It accepts everything and responds with these bytes.
    Garbage(Vec<u8>),
    /// It accepts everything and responds after this time.
    Slow(Duration),
}

/// A collector for OTLP over gRPC and HTTP on one port. It stores spans and counts log records.
#[derive(Debug)]
pub struct FakeCollector {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    behaviour: Behaviour,
    spans: Vec<Span>,
    logs: usize,
    refused: usize,
    requests: Vec<Instant>,
    largest: usize,
    headers: Vec<HeaderMap>,
}

impl FakeCollector {
    /// Starts the collector on a free port.
    ///
    /// # Errors
    /// If the port cannot be bound or the thread cannot be started.
    pub fn start(behaviour: Behaviour) -> Result<Self> {
        Self::start_on(ports::listen(0)?, behaviour)
    }

    /// Starts the collector on `listener`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start_on(listener: TcpListener, behaviour: Behaviour) -> Result<Self> {
        let state = Arc::new(Mutex::new(State { behaviour, ..State::default() }));
        let shared = Arc::clone(&state);
        let server = Server::start(listener, move |request| {
            let shared = Arc::clone(&shared);
            async move {
                let (response, delay) = respond(&request, &mut lock(&shared));
                tokio::time::sleep(delay).await;
                response
            }
        })?;
        Ok(Self { server, state })
    }

    /// Returns the address of the collector.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Changes the behaviour.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        lock(&self.state).behaviour = behaviour;
    }

    /// Returns the accepted spans.
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.state).spans.clone()
    }

    /// Returns the number of accepted log records.
    pub fn logs(&self) -> usize {
        lock(&self.state).logs
    }

    /// Returns the number of rejected spans and log records.
    pub fn refused(&self) -> usize {
        lock(&self.state).refused
    }

    /// Returns the times of all requests.
    pub fn requests(&self) -> Vec<Instant> {
        lock(&self.state).requests.clone()
    }

    /// Returns the size of the largest request, in bytes.
    pub fn largest(&self) -> usize {
        lock(&self.state).largest
    }

    /// Returns the headers of all requests.
    pub fn headers(&self) -> Vec<HeaderMap> {
        lock(&self.state).headers.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn respond(request: &Request<Bytes>, state: &mut State) -> (Response<Body>, Duration) {
    let is_grpc =
        request.headers().get("content-type").is_some_and(|value| value == "application/grpc");
    state.requests.push(Instant::now());
    state.largest = state.largest.max(request.body().len());
    state.headers.push(request.headers().clone());
    let message = if is_grpc { request.body().get(5..) } else { request.body().get(..) };
    let (mut spans, logs) = items(request.uri().path(), message.unwrap_or_default());
    let all = spans.len().saturating_add(logs);
    let mut delay = Duration::ZERO;
    let mut rejected = 0;
    let mut body = ExportTraceServiceResponse::default().encode_to_vec();
    match state.behaviour.clone() {
        Behaviour::Healthy => {}
        Behaviour::Slow(time) => delay = time,
        Behaviour::Garbage(bytes) => body = bytes,
        Behaviour::Partial(count) => {
            rejected = count.min(all);
            body = partial(rejected);
        }
        Behaviour::Status(status, headers) => {
            state.refused = state.refused.saturating_add(all);
            return (with_status(status, &headers), delay);
        }
        Behaviour::Grpc(trailers) => {
            state.refused = state.refused.saturating_add(all);
            return (grpc::with_trailers(Bytes::new(), &trailers), delay);
        }
    }
    state.refused = state.refused.saturating_add(rejected);
    state.logs = state.logs.saturating_add(logs.saturating_sub(rejected));
    spans.truncate(spans.len().saturating_sub(rejected));
    state.spans.append(&mut spans);
    (taken(body, is_grpc), delay)
}

/// Decodes a request. Returns its spans, or the number of its log records.
fn items(path: &str, message: &[u8]) -> (Vec<Span>, usize) {
    if path.to_ascii_lowercase().contains("logs") {
        let decoded = ExportLogsServiceRequest::decode(message).unwrap_or_default();
        let scopes = decoded.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        return (Vec::new(), scopes.map(|scope| scope.log_records.len()).sum());
    }
    let decoded = ExportTraceServiceRequest::decode(message).unwrap_or_default();
    let scopes = decoded.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    (scopes.flat_map(|scope| scope.spans).collect(), 0)
}

fn partial(rejected: usize) -> Vec<u8> {
    let partial_success = Some(ExportTracePartialSuccess {
        rejected_spans: i64::try_from(rejected).unwrap_or(i64::MAX),
        error_message: "no room".to_owned(),
    });
    ExportTraceServiceResponse { partial_success }.encode_to_vec()
}

fn taken(body: Vec<u8>, is_grpc: bool) -> Response<Body> {
    if !is_grpc {
        return Response::new(Full::new(Bytes::from(body)).boxed());
    }
    grpc::message(&body)
}

fn with_status(status: u16, headers: &[(String, String)]) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"no")).boxed());
    *response.status_mut() = status.try_into().unwrap_or_default();
    response.headers_mut().extend(grpc::headers(headers));
    response
}
