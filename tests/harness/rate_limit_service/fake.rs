//! A fake rate-limit service with configurable failures.

use std::{
    fmt,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;

use super::{Behaviour, Call, RateLimitRequest};
use crate::{ports, server::Server};

/// A rate-limit service that follows a script and records its calls.
#[derive(Debug)]
pub struct FakeRateLimitService {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    script: Script,
    calls: Vec<Call>,
}

struct Script(Box<dyn FnMut(&RateLimitRequest) -> Behaviour + Send>);

impl fmt::Debug for Script {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Script")
    }
}

impl FakeRateLimitService {
    /// Starts the service on a free port.
    ///
    /// # Errors
    /// If the port cannot be bound or the thread cannot be started.
    pub fn start(behaviour: Behaviour) -> Result<Self> {
        Self::start_on(ports::listen(0)?, behaviour)
    }

    /// Starts the service on `listener`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start_on(listener: TcpListener, behaviour: Behaviour) -> Result<Self> {
        let script = Script(Box::new(move |_| behaviour.clone()));
        let state = Arc::new(Mutex::new(State { script, calls: Vec::new() }));
        let shared = Arc::clone(&state);
        let server = super::serve(listener, move |call, connection| {
            let behaviour = {
                let mut state = lock(&shared);
                let behaviour = (state.script.0)(&call.request);
                state.calls.push(call);
                behaviour
            };
            behaviour.respond(connection)
        })?;
        Ok(Self { server, state })
    }

    /// Returns the address of the service.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Changes the reaction to all later calls.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.set_script(move |_| behaviour.clone());
    }

    /// Changes the reaction to later calls to the results of `script`.
    pub fn set_script(&self, script: impl FnMut(&RateLimitRequest) -> Behaviour + Send + 'static) {
        lock(&self.state).script = Script(Box::new(script));
    }

    /// Returns all calls so far.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.state).calls.clone()
    }

    /// Returns the number of calls so far.
    pub fn count(&self) -> usize {
        lock(&self.state).calls.len()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
