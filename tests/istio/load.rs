//! A steady load that classifies every response.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Result, anyhow};
use tests::{
    client::{Client, Request, Response},
    process::wait_until,
};

/// Number of concurrent clients.
const CLIENTS: usize = 4;
/// Timeout of waits.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Clients that send the same request repeatedly until they are stopped.
#[derive(Debug)]
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    counts: Arc<Mutex<Counts>>,
    clients: Vec<JoinHandle<()>>,
}

/// Numbers of responses by configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Responses of the old configuration.
    pub(crate) before: usize,
    /// Responses of the new configuration.
    pub(crate) after: usize,
    /// Descriptions of all other responses and errors.
    pub(crate) failures: Vec<String>,
}

/// The configuration that produced a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    /// The old one.
    Old,
    /// The new one.
    New,
}

impl Load {
    /// Starts sending `request` with `client`. `classify` assigns each response to a configuration.
    pub(crate) fn start(
        client: Client,
        request: &Request,
        classify: fn(&Response) -> Option<Revision>,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let counts = Arc::new(Mutex::new(Counts::default()));
        let clients = (0..CLIENTS)
            .map(|_| {
                let (stop, counts, request) = (stop.clone(), counts.clone(), request.clone());
                thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let response = client.send(request.clone());
                        counts
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .add(response, classify);
                    }
                })
            })
            .collect();
        Self { stop, counts, clients }
    }

    /// Waits until `enough` returns `true` for the responses so far.
    ///
    /// # Errors
    /// If that takes longer than 30 seconds.
    pub(crate) fn wait_until(&self, what: &str, enough: impl Fn(&Counts) -> bool) -> Result<()> {
        wait_until(what, TIMEOUT, || {
            Ok(enough(&self.counts.lock().unwrap_or_else(PoisonError::into_inner)))
        })
    }

    /// Stops all clients and returns the numbers of responses.
    ///
    /// # Errors
    /// If a client has panicked.
    pub(crate) fn stop(mut self) -> Result<Counts> {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            client.join().map_err(|_| anyhow!("a client panicked"))?;
        }
        Ok(self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Counts {
    fn add(&mut self, response: Result<Response>, classify: fn(&Response) -> Option<Revision>) {
        match response.as_ref().map(classify) {
            Ok(Some(Revision::Old)) => self.before = self.before.saturating_add(1),
            Ok(Some(Revision::New)) => self.after = self.after.saturating_add(1),
            Ok(None) | Err(_) => self.failures.push(format!("{response:?}")),
        }
    }
}
