//! Fetched documents: key sets and deny lists.
//!
//! [`Source`] is a sans-I/O state machine: it takes events and returns effects; time and random
//! bits are arguments. All workers of a proxy share one [`Control`] record and one [`Document`] per
//! source. The worker that replaces the control record by compare-and-swap holds the lease and
//! fetches.

use std::{rc::Rc, time::Duration};

use filter_core::Headers;

use crate::{Metric, crypto::Crypto};

mod call;
mod content;
mod control;
mod document;
mod error;
mod fetch;
mod freshness;
mod schedule;
mod spec;

pub use call::{Call, FetchHeaders};
pub use content::Content;
pub use control::Control;
pub use document::Document;
pub use error::FetchError;
pub use spec::{Freshness, Kind, Origin, Slot, SourceSpec};

/// One worker's state of a fetched document.
#[derive(Debug)]
pub struct Source {
    spec: Rc<SourceSpec>,
    crypto: Crypto,
    control: Control,
    control_read_at: Duration,
    loaded: Option<Loaded>,
    /// The number of different documents that this worker has loaded.
    generation: u64,
    fetch: Option<Fetch>,
    is_refetch_requested: bool,
}

#[derive(Debug)]
struct Loaded {
    document: Document,
    content: Content,
    /// The last time that the document was current.
    fetched: Duration,
    /// The end of its freshness, which remains if another plugin overwrites the control record.
    fresh_until: Duration,
}

/// A fetch by this worker in progress.
#[derive(Debug)]
struct Fetch {
    holder: u128,
    started: Duration,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Discovery,
    Document { uri: String },
}

/// An input of the state machine.
#[derive(Debug)]
pub enum Event {
    /// The worker's timer fired, and the control record was read.
    Tick(Control),
    /// The control record was read for a request; this starts no fetch.
    Control(Control),
    /// The document slot was read.
    Document(Document),
    /// The control record of [`Effect::Lease`] was written.
    Leased(Control),
    /// The proxy refused the call.
    NoCluster,
    /// The call ended.
    Answer(Answer),
}

/// The answer to a call; without headers if there was none.
#[derive(Debug, Default)]
pub struct Answer {
    /// The headers.
    pub headers: Headers,
    /// The body; `None` if it is longer than [`SourceSpec::max_bytes`].
    pub body: Option<Vec<u8>>,
}

/// An output of the state machine, to be applied in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Read the document slot and report [`Event::Document`].
    ReadDocument,
    /// Replace the control record that was read last; on success report [`Event::Leased`].
    Lease(Control),
    /// Send this call; report [`Event::NoCluster`] if the proxy refuses it.
    Call(Call),
    /// Write the document, if any, and the control record, if `holder` still holds the lease.
    Write {
        /// The identifier of the worker that fetched.
        holder: u128,
        /// The new document.
        document: Option<Document>,
        /// The new record.
        control: Control,
    },
    /// Increment a counter.
    Count(Metric),
    /// Record the duration of a fetch.
    FetchTime(Duration),
    /// Log at level `info`.
    LogInfo(String),
    /// Log at level `warn`.
    LogWarning(String),
}

/// The availability of a document.
#[derive(Clone, Debug)]
pub enum State {
    /// A usable document is loaded.
    Ready(Content),
    /// No document was fetched yet.
    Cold,
    /// The last document is past `staleIfError`.
    Expired,
}

/// A value that changes whenever the verdict on a waiting request may change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Revision {
    generation: u64,
    is_leased: bool,
    last_refetch: Duration,
    last_attempt: Duration,
}

/// The result of a request for an early fetch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refetch {
    /// A fetch is in progress or was requested.
    Fetching,
    /// No fetch is allowed now.
    Limited,
}

impl Source {
    /// Creates a source without a document.
    pub fn new(spec: Rc<SourceSpec>, crypto: Crypto) -> Self {
        Self {
            spec,
            crypto,
            control: Control::default(),
            control_read_at: Duration::ZERO,
            loaded: None,
            generation: 0,
            fetch: None,
            is_refetch_requested: false,
        }
    }

    /// Returns the configuration.
    pub fn spec(&self) -> &SourceSpec {
        &self.spec
    }

    /// Returns the availability of the document.
    pub fn state(&self, now: Duration) -> State {
        match &self.loaded {
            None => State::Cold,
            Some(loaded) if now >= self.expiry(loaded) => State::Expired,
            Some(loaded) => State::Ready(loaded.content.clone()),
        }
    }

    /// Returns the number of different documents loaded so far, which identifies the current one.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Requests an early fetch because a token names an unknown key.
    pub fn request_refetch(&mut self, now: Duration) -> Refetch {
        // Another worker may have fetched since the control record was read.
        let is_current = self.control_read_at == now;
        if !is_current || self.control.is_leased(now) {
            return Refetch::Fetching;
        }
        self.is_refetch_requested = self.is_refetch_allowed(&self.control, now);
        if self.is_refetch_requested { Refetch::Fetching } else { Refetch::Limited }
    }

    /// Returns a value that changes whenever waiting requests should be decided again.
    pub const fn revision(&self, now: Duration) -> Revision {
        Revision {
            generation: self.generation,
            is_leased: self.control.is_leased(now),
            last_refetch: self.control.last_refetch,
            last_attempt: self.control.last_attempt,
        }
    }

    /// Returns the time until the next regular fetch; zero if one is due or in progress.
    pub const fn next_attempt(&self, now: Duration) -> Duration {
        self.control.next_fetch.saturating_sub(now)
    }

    /// Returns the age of the document, and `true` if it is stale; `None` without a document.
    pub fn age(&self, now: Duration) -> Option<(Duration, bool)> {
        let loaded = self.loaded.as_ref()?;
        Some((now.saturating_sub(loaded.fetched), now >= loaded.fresh_until))
    }

    /// Handles an event and returns the effects to apply.
    pub fn handle(&mut self, event: Event, now: Duration, random: u128) -> Vec<Effect> {
        match event {
            Event::Tick(control) => {
                let mut effects = self.update_control(control, now);
                effects.extend(self.lease_if_due(now, random));
                effects
            }
            Event::Control(control) => self.update_control(control, now),
            Event::Document(document) => self.load(document, now),
            Event::Leased(control) => self.start_fetch(control, now),
            Event::NoCluster => self.abort_fetch(FetchError::NoCluster, now, random),
            Event::Answer(answer) => self.handle_answer(&answer, now, random),
        }
    }

    fn update_control(&mut self, control: Control, now: Duration) -> Vec<Effect> {
        let is_newer = control.generation != 0 && self.loaded_generation() != control.generation;
        self.set_control(control, now);
        if is_newer { vec![Effect::ReadDocument] } else { Vec::new() }
    }

    /// Sets the control record, which is current.
    fn set_control(&mut self, control: Control, now: Duration) {
        self.control = control;
        self.control_read_at = now;
        if let Some(loaded) = &mut self.loaded
            && loaded.document.generation == control.generation
        {
            (loaded.fetched, loaded.fresh_until) = (control.fetched, control.fresh_until);
        }
    }

    fn loaded_generation(&self) -> u64 {
        self.loaded.as_ref().map_or(0, |loaded| loaded.document.generation)
    }

    fn load(&mut self, document: Document, now: Duration) -> Vec<Effect> {
        let is_same = self.loaded.as_ref().is_some_and(|l| l.document.body == document.body);
        let expiry = self.control.fresh_until.saturating_add(self.spec.stale_if_error);
        if self.loaded.is_none() && now >= expiry {
            return Vec::new();
        }
        if is_same {
            self.confirm(document);
        } else if let Ok((content, _)) =
            Content::parse(self.spec.kind, &document.body, &self.crypto)
        {
            return self.replace(document, content);
        }
        Vec::new()
    }

    fn replace(&mut self, document: Document, content: Content) -> Vec<Effect> {
        let Control { fetched, fresh_until, .. } = self.control;
        let before = self.loaded.replace(Loaded { document, content, fetched, fresh_until });
        self.generation = self.generation.saturating_add(1);
        let is_flush = before.is_some() && self.spec.kind == Kind::Keys;
        if is_flush { vec![Effect::Count(Metric::TokenCacheFlushes)] } else { Vec::new() }
    }

    /// Replaces the document by a later one with the same content.
    fn confirm(&mut self, document: Document) {
        if let Some(loaded) = &mut self.loaded {
            let Control { fetched, fresh_until, .. } = self.control;
            (loaded.fetched, loaded.fresh_until) = (fetched, fresh_until);
            loaded.document = document;
        }
    }

    fn expiry(&self, loaded: &Loaded) -> Duration {
        loaded.fresh_until.saturating_add(self.spec.stale_if_error)
    }

    fn is_refetch_allowed(&self, control: &Control, now: Duration) -> bool {
        let interval = self.spec.refetch_interval;
        !interval.is_zero() && now >= control.last_refetch.saturating_add(interval)
    }

    /// Requests the lease if a fetch is due and no worker holds the lease.
    fn lease_if_due(&mut self, now: Duration, random: u128) -> Option<Effect> {
        self.is_refetch_requested &= !self.control.is_leased(now);
        if self.control.is_leased(now) {
            return None;
        }
        // The refetch stays requested if another worker or an error prevents the lease.
        let is_refetch = self.is_refetch_requested && self.is_refetch_allowed(&self.control, now);
        if now < self.control.next_fetch && !is_refetch {
            return None;
        }
        let until = now.saturating_add(self.spec.timeout).saturating_add(Duration::from_secs(1));
        let last_refetch = if is_refetch { now } else { self.control.last_refetch };
        Some(Effect::Lease(Control {
            holder: random.max(1),
            leased_until: until,
            last_refetch,
            ..self.control
        }))
    }
}

#[cfg(test)]
mod tests;
