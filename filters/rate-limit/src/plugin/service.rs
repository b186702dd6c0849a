//! Calls to the rate-limit service.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    time::Duration,
};

use filter_core::Headers;
use filter_host::{
    HostError, Result,
    calls::{self, CallId},
    clock,
};

use super::{
    RateLimit,
    waiting::{DrawState, Waiting},
};
use crate::{
    Metric, ServiceSpec,
    config::ServiceMode,
    service::{
        Answer, Batch, BatchDraw, Code, Health, MAX_ANSWER_LEN, ServiceFailure, Settled,
        request::{self, Descriptor},
    },
};

/// Maximum number of counts of which a worker holds units.
const MAX_KEYS: usize = 10_000;

/// The rate-limit service, as one worker sees it.
pub(super) struct Service {
    spec: ServiceSpec,
    headers: Vec<(&'static str, String)>,
    batch: RefCell<Batch<u64>>,
    health: RefCell<Health>,
    calls: RefCell<BTreeMap<CallId, Call>>,
    /// Requests that wait for units, by the hash of the descriptor.
    queues: RefCell<BTreeMap<u64, VecDeque<Share>>>,
    /// Requests that can be decided.
    settled: RefCell<Vec<Rc<Waiting>>>,
}

/// A draw of a waiting request: the request, and the index of the draw.
type Share = (Rc<Waiting>, usize);

/// A call in flight.
struct Call {
    key: u64,
    descriptor: Descriptor,
    sent: Duration,
    /// The draw that the call is for, in EXACT mode.
    exact: Option<Share>,
}

impl Service {
    pub(super) fn new(spec: ServiceSpec) -> Self {
        Self {
            headers: request::headers(&spec.authority, spec.timeout),
            batch: RefCell::new(Batch::new(MAX_KEYS)),
            health: RefCell::default(),
            calls: RefCell::default(),
            queues: RefCell::default(),
            settled: RefCell::default(),
            spec,
        }
    }

    pub(super) const fn spec(&self) -> &ServiceSpec {
        &self.spec
    }

    /// Returns `true` if the service is down.
    pub(super) fn is_down(&self) -> bool {
        self.health.borrow().is_down()
    }

    /// Returns the requests that can be decided since the last call.
    pub(super) fn take_settled(&self) -> Vec<Rc<Waiting>> {
        self.settled.take()
    }

    /// Returns the units of a request that another limit refused.
    pub(super) fn give_back(&self, waiting: &Waiting) {
        if self.spec.mode == ServiceMode::Exact {
            return;
        }
        let now = clock::monotonic();
        let draws = waiting.draws().into_iter();
        for (global, _) in draws.filter(|(_, state)| *state == DrawState::Admitted) {
            self.batch.borrow_mut().give_back(&global.key, cost(global.draw.amount.cost), now);
        }
    }

    /// Stops waiting for a request that is decided, or whose stream has ended.
    pub(super) fn leave(&self, waiting: &Waiting) {
        if self.spec.mode == ServiceMode::Exact {
            return;
        }
        let draws = waiting.draws().into_iter();
        for (global, _) in draws.filter(|(_, state)| *state == DrawState::Pending) {
            self.batch.borrow_mut().leave(&global.key, cost(global.draw.amount.cost));
            if let Some(queue) = self.queues.borrow_mut().get_mut(&global.key) {
                queue.retain(|(other, _)| !std::ptr::eq(&**other, waiting));
            }
        }
        self.queues.borrow_mut().retain(|_, queue| !queue.is_empty());
    }

    fn settle(&self, (waiting, index): &Share, state: DrawState) {
        waiting.set(*index, state);
        if waiting.is_settled() && !waiting.is_over() {
            self.settled.borrow_mut().push(Rc::clone(waiting));
        }
    }

    fn send(
        &self,
        key: u64,
        descriptor: &Descriptor,
        hits: u32,
        exact: Option<Share>,
    ) -> std::result::Result<(), ServiceFailure> {
        let now = clock::monotonic();
        if !self.health.borrow_mut().may_ask(now) {
            return Err(ServiceFailure::Paused);
        }
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = request::encode(&self.spec.domain, std::slice::from_ref(descriptor), hits);
        match calls::http(&self.spec.cluster, &headers, &body, self.spec.timeout) {
            Ok(id) => {
                let descriptor = descriptor.clone();
                let call = Call { key, descriptor, sent: now, exact };
                self.calls.borrow_mut().insert(id, call);
                Ok(())
            }
            Err(HostError::BadArgument) => Err(ServiceFailure::UnknownCluster),
            Err(_) => Err(ServiceFailure::Unavailable),
        }
    }
}

impl RateLimit {
    /// Draws from the counts of the service.
    pub(super) fn ask(&self, service: &Service, waiting: &Rc<Waiting>) {
        for (index, global) in waiting.plan.global.iter().enumerate() {
            let share = (Rc::clone(waiting), index);
            match service.spec.mode {
                ServiceMode::Exact => self.ask_exactly(service, &share),
                ServiceMode::Batched => {
                    self.draw_units(service, &share);
                    self.buy_units(service, global.key, &global.descriptor);
                }
            }
        }
    }

    /// Calls the service for one draw.
    fn ask_exactly(&self, service: &Service, share: &Share) {
        let (waiting, index) = share;
        let Some(global) = waiting.draw(*index) else { return };
        let cost = cost(global.draw.amount.cost);
        if cost == 0 {
            return service.settle(share, DrawState::Admitted);
        }
        let sent = self.send(service, global.key, &global.descriptor, cost, Some(share.clone()));
        if sent.is_err() {
            service.settle(share, DrawState::Failed);
        }
    }

    /// Draws from the units that this worker has bought, or queues the draw.
    fn draw_units(&self, service: &Service, share: &Share) {
        let (waiting, index) = share;
        let Some(global) = waiting.draw(*index) else { return };
        let now = clock::monotonic();
        let drawn =
            service.batch.borrow_mut().draw(&global.key, cost(global.draw.amount.cost), now);
        match drawn {
            BatchDraw::Admitted => service.settle(share, DrawState::Admitted),
            BatchDraw::Refused { retry_after } => {
                service.settle(share, DrawState::Refused(retry_after));
            }
            BatchDraw::Wait => {
                let mut queues = service.queues.borrow_mut();
                queues.entry(global.key).or_default().push_back(share.clone());
            }
            BatchDraw::Exact => self.ask_exactly(service, share),
        }
    }

    /// Buys units of a count if a call is due.
    fn buy_units(&self, service: &Service, key: u64, descriptor: &Descriptor) {
        /// A failed call ends the waits; the second round finds that nothing is due.
        const ROUNDS: usize = 2;
        for _ in 0..ROUNDS {
            let now = clock::monotonic();
            let hits = service.batch.borrow_mut().next_call(&key, now, service.spec.max_batch);
            let Some(hits) = hits else { return };
            let sent = self.send(service, key, descriptor, hits, None);
            let Err(failure) = sent else { return };
            let settled = service.batch.borrow_mut().on_answer(&key, Err(failure), now);
            self.on_settled(service, key, settled);
        }
    }

    /// Lets the requests that wait for units of a count draw again, or fail.
    fn on_settled(&self, service: &Service, key: u64, settled: Settled) {
        let state = match settled {
            Settled::AskAgain => return,
            Settled::Redraw => None,
            Settled::Failed(_) => Some(DrawState::Failed),
        };
        let queue = service.queues.borrow_mut().remove(&key).unwrap_or_default();
        for share in queue.iter().filter(|(waiting, _)| !waiting.is_over()) {
            match state {
                Some(state) => service.settle(share, state),
                None => self.draw_units(service, share),
            }
        }
    }

    /// Calls the service, and counts the call.
    fn send(
        &self,
        service: &Service,
        key: u64,
        descriptor: &Descriptor,
        hits: u32,
        exact: Option<Share>,
    ) -> std::result::Result<(), ServiceFailure> {
        let sent = self.note(service, service.send(key, descriptor, hits, exact));
        if sent.is_ok() {
            self.counters.count(Metric::ServiceCalls);
        }
        sent
    }

    /// Handles the answer to a call.
    pub(super) fn on_answer(&self, service: &Service, id: CallId, body_size: usize) {
        let Some(call) = service.calls.borrow_mut().remove(&id) else { return };
        let now = clock::monotonic();
        self.counters.record_service(now.saturating_sub(call.sent));
        let answer = self.note(service, answer(body_size));
        if answer.is_ok() {
            self.note_answer(service);
        }
        if let Some(share) = call.exact {
            let state = match &answer {
                Err(_) => DrawState::Failed,
                Ok(answer) if answer.code == Code::OverLimit => {
                    DrawState::Refused(answer.until_reset())
                }
                Ok(_) => DrawState::Admitted,
            };
            answer.into_iter().for_each(|answer| share.0.add_answer(answer));
            service.settle(&share, state);
        } else {
            let answer = answer.as_ref().map_err(|failure| *failure);
            let settled = service.batch.borrow_mut().on_answer(&call.key, answer, now);
            self.on_settled(service, call.key, settled);
            self.buy_units(service, call.key, &call.descriptor);
        }
    }

    /// Counts and logs the failure of a call.
    fn note<T>(
        &self,
        service: &Service,
        result: std::result::Result<T, ServiceFailure>,
    ) -> std::result::Result<T, ServiceFailure> {
        let mut health = service.health.borrow_mut();
        match &result {
            Err(ServiceFailure::Paused) => self.counters.count(Metric::ServiceSkipped),
            Err(failure) => {
                self.counters.count(Metric::ServiceErrors);
                if health.failed(clock::monotonic()) {
                    self.counters.set_service_down(true);
                    let cluster = &service.spec.cluster;
                    log::warn!("the rate-limit service in cluster {cluster} is down: {failure}");
                }
            }
            Ok(_) => {}
        }
        result
    }

    /// Logs that the service is back.
    fn note_answer(&self, service: &Service) {
        if service.health.borrow_mut().succeeded() {
            self.counters.set_service_down(false);
            log::warn!("the rate-limit service in cluster {} is back", service.spec.cluster);
        }
    }
}

/// Reads the answer to a call.
fn answer(body_size: usize) -> std::result::Result<Answer, ServiceFailure> {
    let read = || -> Result<(Headers, Vec<u8>, Headers)> {
        let body = match body_size {
            0 => Vec::new(),
            _ => calls::response_body(MAX_ANSWER_LEN.saturating_add(1))?,
        };
        let trailers = match calls::response_trailers() {
            // The response has no trailers.
            Err(HostError::BadArgument) => Headers::default(),
            trailers => trailers?,
        };
        Ok((calls::response_headers()?, body, trailers))
    };
    let (headers, body, trailers) = read().map_err(|_| ServiceFailure::Unavailable)?;
    Answer::read(&headers, &body, &trailers, 1)
}

/// Returns units as hits of the service.
fn cost(units: u64) -> u32 {
    u32::try_from(units).unwrap_or(u32::MAX)
}
