//! The state of the proxy of this thread.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use filter_core::{Generator, Headers};

use super::stream::StreamState;
use crate::{
    host_error::{HostError, Result},
    stream::ContextId,
    sys::MetricKind,
};

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::new());
}

/// The context of a plugin.
pub(super) const PLUGIN: ContextId = 1;

/// A host call of a plugin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostCall {
    /// The callback that made the call, such as `request_headers`.
    pub callback: &'static str,
    /// The name of the call.
    pub name: &'static str,
    /// The name of the header, property, key, metric or cluster.
    pub argument: String,
}

/// An HTTP call that a plugin sent.
#[derive(Clone, Debug)]
pub struct HttpCall {
    /// The cluster.
    pub cluster: String,
    /// The request headers.
    pub headers: Headers,
    /// The request body.
    pub body: Vec<u8>,
    /// The timeout.
    pub timeout: Duration,
    /// The worker that sent it.
    pub(super) worker: usize,
    /// The context that sent it, which gets the response.
    pub(super) context: u32,
}

/// A foreign function; `None` if it fails.
pub(super) type ForeignFunction = fn(&[u8]) -> Option<Vec<u8>>;

/// A closure that runs before each host call.
pub(super) type Interrupt = Box<dyn FnMut(&HostCall)>;

/// A metric of the proxy.
pub(super) struct Metric {
    pub(super) kind: MetricKind,
    pub(super) name: String,
    pub(super) value: u64,
    pub(super) recorded: Vec<u64>,
}

/// The response to a call, during its callback.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) headers: Headers,
    pub(super) trailers: Headers,
    pub(super) body: Vec<u8>,
}

/// The timer and the streams of a worker.
#[derive(Default)]
pub(super) struct Machine {
    pub(super) period: Duration,
    pub(super) due: Duration,
    pub(super) streams: BTreeMap<ContextId, StreamState>,
}

/// The callback that is running.
#[derive(Clone, Copy, Default)]
pub(super) struct Current {
    pub(super) worker: usize,
    pub(super) context: ContextId,
    pub(super) callback: &'static str,
}

/// The state of a proxy.
pub(super) struct State {
    pub(super) wall: Duration,
    pub(super) monotonic: Duration,
    pub(super) log: Vec<(u32, String)>,
    pub(super) log_level: u32,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) properties: BTreeMap<String, Vec<u8>>,
    pub(super) functions: BTreeMap<&'static str, ForeignFunction>,
    pub(super) clusters: BTreeSet<String>,
    pub(super) shared: BTreeMap<String, (Vec<u8>, u32)>,
    pub(super) queues: Vec<(String, VecDeque<Vec<u8>>)>,
    pub(super) metrics: Vec<Metric>,
    pub(super) rejected_metrics: BTreeSet<String>,
    pub(super) calls: BTreeMap<u32, HttpCall>,
    pub(super) next_call: u32,
    pub(super) machines: Vec<Machine>,
    pub(super) next_context: ContextId,
    pub(super) current: Current,
    pub(super) answer: Answer,
    /// The chunk of the body callback that is running.
    pub(super) body: Vec<u8>,
    pub(super) random: Generator,
    pub(super) trace: Vec<HostCall>,
    /// The host calls that fail, by their index in the trace.
    pub(super) failures: BTreeMap<usize, HostError>,
    pub(super) interrupt: Option<Interrupt>,
}

impl State {
    fn new() -> Self {
        Self {
            // 2026-01-01T00:00:00Z.
            wall: Duration::from_secs(1_767_225_600),
            monotonic: Duration::from_secs(1_000),
            log: Vec::new(),
            log_level: 0,
            variables: BTreeMap::new(),
            properties: BTreeMap::from([("plugin_name".to_owned(), b"test".to_vec())]),
            functions: BTreeMap::new(),
            clusters: BTreeSet::new(),
            shared: BTreeMap::new(),
            queues: Vec::new(),
            metrics: Vec::new(),
            rejected_metrics: BTreeSet::new(),
            calls: BTreeMap::new(),
            next_call: 1,
            machines: Vec::new(),
            next_context: PLUGIN + 1,
            current: Current::default(),
            answer: Answer::default(),
            body: Vec::new(),
            random: Generator::new(1),
            trace: Vec::new(),
            failures: BTreeMap::new(),
            interrupt: None,
        }
    }

    pub(super) fn machine(&mut self) -> Result<&mut Machine> {
        self.machines.get_mut(self.current.worker).ok_or(HostError::BadArgument)
    }

    /// Returns the current stream.
    pub(super) fn stream(&mut self) -> Result<&mut StreamState> {
        let context = self.current.context;
        self.machine()?.streams.get_mut(&context).ok_or(HostError::BadArgument)
    }

    pub(super) fn metric(&mut self, id: u32) -> Result<&mut Metric> {
        let metric = usize::try_from(id).ok().and_then(|id| self.metrics.get_mut(id));
        metric.ok_or(HostError::BadArgument)
    }
}

/// Creates a new state.
pub(super) fn reset() {
    STATE.with_borrow_mut(|state| *state = State::new());
}

/// Accesses the state.
pub(super) fn with<T>(access: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(access)
}

/// Records a host call and performs it, unless it is to fail.
pub(super) fn host_call<T>(
    name: &'static str,
    argument: &str,
    call: impl FnOnce(&mut State) -> Result<T>,
) -> Result<T> {
    let (host_call, failure, interrupt) = with(|state| {
        let callback = state.current.callback;
        let host_call = HostCall { callback, name, argument: argument.to_owned() };
        let failure = state.failures.remove(&state.trace.len());
        state.trace.push(host_call.clone());
        (host_call, failure, state.interrupt.take())
    });
    if let Some(mut interrupt) = interrupt {
        interrupt(&host_call);
        with(|state| state.interrupt = state.interrupt.take().or(Some(interrupt)));
    }
    failure.map_or_else(|| with(call), Err)
}
