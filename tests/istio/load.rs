//! A steady load whose every answer counts.

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

/// How many clients send at the same time.
const CLIENTS: usize = 4;
/// How long to wait for answers.
const LIMIT: Duration = Duration::from_secs(30);

/// Clients that send the same request one after another until they are told to stop.
#[derive(Debug)]
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    tally: Arc<Mutex<Tally>>,
    clients: Vec<JoinHandle<()>>,
}

/// What the clients got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Answers made by the configuration in force when the load began.
    pub(crate) before: usize,
    /// Answers made by the new configuration.
    pub(crate) after: usize,
    /// What else came, in words.
    pub(crate) failures: Vec<String>,
}

/// Which configuration made an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The one in force when the load began.
    Before,
    /// The new one.
    After,
}

impl Load {
    /// Starts sending `request` to the server of `client`; `judge` says what each answer shows.
    pub(crate) fn start(
        client: Client,
        request: &Request,
        judge: fn(&Response) -> Option<Seen>,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let tally = Arc::new(Mutex::new(Tally::default()));
        let clients = (0..CLIENTS)
            .map(|_| {
                let (stop, tally, request) = (stop.clone(), tally.clone(), request.clone());
                thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let answer = client.send(request.clone());
                        tally.lock().unwrap_or_else(PoisonError::into_inner).add(answer, judge);
                    }
                })
            })
            .collect();
        Self { stop, tally, clients }
    }

    /// Waits until `enough` says that the answers so far suffice.
    ///
    /// # Errors
    /// When 30 seconds do not suffice.
    pub(crate) fn wait_until(&self, what: &str, enough: impl Fn(&Tally) -> bool) -> Result<()> {
        wait_until(what, LIMIT, || {
            Ok(enough(&self.tally.lock().unwrap_or_else(PoisonError::into_inner)))
        })
    }

    /// Stops all clients and tells what they got.
    ///
    /// # Errors
    /// When a client has panicked.
    pub(crate) fn stop(mut self) -> Result<Tally> {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            client.join().map_err(|_| anyhow!("a client panicked"))?;
        }
        Ok(self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Tally {
    fn add(&mut self, answer: Result<Response>, judge: fn(&Response) -> Option<Seen>) {
        match answer.as_ref().map(judge) {
            Ok(Some(Seen::Before)) => self.before = self.before.saturating_add(1),
            Ok(Some(Seen::After)) => self.after = self.after.saturating_add(1),
            Ok(None) | Err(_) => self.failures.push(format!("{answer:?}")),
        }
    }
}
