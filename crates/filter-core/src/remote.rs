//! Documents that a proxy fetches from a server, such as key sets and lists of addresses.
//!
//! [`Source`] is a sans-I/O state machine: it takes events and returns effects; time and random
//! bits are arguments. All workers of a proxy share one [`Control`] record and one [`Document`] per
//! source. The worker that replaces the control record by compare-and-swap holds the lease and
//! fetches. The filter's [`DocumentSpec`] parses the document.

use std::{rc::Rc, time::Duration};

use twox_hash::XxHash3_128;

use crate::Headers;

mod call;
mod control;
mod document;
mod endpoint;
mod error;
mod fetch;
mod freshness;
pub mod schedule;
mod spec;
mod url;

pub use call::{Call, FetchHeaders};
pub use control::Control;
pub use document::Document;
pub use endpoint::{Endpoint, cluster_for};
pub use error::{FetchError, InvalidDocument};
pub use spec::{DocumentSpec, FetchEvent, FetchSpec, Freshness, Origin, Parsed, Slot};
pub use url::FetchUrl;

/// One worker's state of a fetched document.
#[derive(Debug)]
pub struct Source<S: DocumentSpec> {
    spec: Rc<S>,
    parser: S::Parser,
    control: Control,
    control_read_at: Duration,
    loaded: Option<Loaded<S::Content>>,
    /// The number of different documents that this worker has loaded.
    generation: u64,
    fetch: Option<Fetch>,
    is_refetch_requested: bool,
}

#[derive(Debug)]
struct Loaded<C> {
    version: Version,
    content: C,
    /// The last time that the document was current.
    fetched: Duration,
    /// The end of its freshness, which remains if another plugin overwrites the control record.
    fresh_until: Duration,
}

/// A document without its body.
#[derive(Debug)]
struct Version {
    generation: u64,
    etag: String,
    uri: String,
    body: BodyHash,
}

/// The length and a hash of a body, to compare it with a later one without keeping it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct BodyHash(usize, u128);

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
    /// The document and the control record of [`Effect::Write`] were not written.
    NotWritten,
}

/// The answer to a call; without headers if there was none.
#[derive(Debug, Default)]
pub struct Answer {
    /// The headers.
    pub headers: Headers,
    /// The body; `None` if it is longer than [`DocumentSpec::max_bytes`].
    pub body: Option<Vec<u8>>,
}

/// An output of the state machine, to be applied in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect<M> {
    /// Read the document slot and report [`Event::Document`].
    ReadDocument,
    /// Replace the control record that was read last; on success report [`Event::Leased`].
    Lease(Control),
    /// Send this call; report [`Event::NoCluster`] if the proxy refuses it.
    Call(Call),
    /// Write the document, if any, and the control record, if `holder` still holds the lease;
    /// otherwise report [`Event::NotWritten`].
    Write {
        /// The identifier of the worker that fetched.
        holder: u128,
        /// The new document.
        document: Option<Document>,
        /// The new record.
        control: Control,
    },
    /// Increment a counter.
    Count(M),
    /// Record the duration of a fetch.
    FetchTime(Duration),
    /// Log at level `info`.
    LogInfo(String),
    /// Log at level `warn`.
    LogWarning(String),
}

/// The availability of a document.
#[derive(Clone, Debug)]
pub enum State<C> {
    /// A usable document is loaded.
    Ready(C),
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

impl BodyHash {
    fn new(body: &[u8]) -> Self {
        Self(body.len(), XxHash3_128::oneshot(body))
    }
}

impl Version {
    fn new(document: &Document) -> Self {
        Self {
            generation: document.generation,
            etag: document.etag.clone(),
            uri: document.uri.clone(),
            body: BodyHash::new(&document.body),
        }
    }

    /// Returns `true` if a control record describes this document, which is thus stored.
    const fn is_of(&self, control: &Control) -> bool {
        control.generation != 0 && self.generation == control.generation
    }
}

impl<S: DocumentSpec> Source<S> {
    /// Creates a source without a document.
    #[must_use]
    pub fn new(spec: Rc<S>, parser: S::Parser) -> Self {
        Self {
            spec,
            parser,
            control: Control::default(),
            control_read_at: Duration::ZERO,
            loaded: None,
            generation: 0,
            fetch: None,
            is_refetch_requested: false,
        }
    }

    /// Returns the configuration.
    #[must_use]
    pub fn spec(&self) -> &S {
        &self.spec
    }

    /// Returns the availability of the document.
    #[must_use]
    pub fn state(&self, now: Duration) -> State<S::Content> {
        match &self.loaded {
            None => State::Cold,
            Some(loaded) if now >= self.expiry(loaded) => State::Expired,
            Some(loaded) => State::Ready(loaded.content.clone()),
        }
    }

    /// Returns the number of different documents loaded so far, which identifies the current one.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Requests an early fetch, because the document lacks an entry that it may have by now.
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
    #[must_use]
    pub const fn revision(&self, now: Duration) -> Revision {
        Revision {
            generation: self.generation,
            is_leased: self.control.is_leased(now),
            last_refetch: self.control.last_refetch,
            last_attempt: self.control.last_attempt,
        }
    }

    /// Returns the time until the next regular fetch; zero if one is due or in progress.
    #[must_use]
    pub const fn next_attempt(&self, now: Duration) -> Duration {
        self.control.next_fetch.saturating_sub(now)
    }

    /// Returns the age of the document, and `true` if it is stale; `None` without a document.
    #[must_use]
    pub fn age(&self, now: Duration) -> Option<(Duration, bool)> {
        let loaded = self.loaded.as_ref()?;
        Some((now.saturating_sub(loaded.fetched), now >= loaded.fresh_until))
    }

    /// Handles an event and returns the effects to apply.
    pub fn handle(&mut self, event: Event, now: Duration, random: u128) -> Vec<Effect<S::Metric>> {
        match event {
            Event::Tick(control) => {
                let mut effects = self.update_control(control, now);
                effects.extend(self.lease_if_due(now, random));
                effects
            }
            Event::Control(control) => self.update_control(control, now),
            Event::Document(document) => self.load(&document, now),
            Event::Leased(control) => self.start_fetch(control, now),
            Event::NoCluster => self.abort_fetch(FetchError::NoCluster, now, random),
            Event::Answer(answer) => self.handle_answer(&answer, now, random),
            Event::NotWritten => {
                self.forget_version();
                Vec::new()
            }
        }
    }

    fn update_control(&mut self, control: Control, now: Duration) -> Vec<Effect<S::Metric>> {
        let fetch = self.spec.fetch();
        let Some(control) = control.plausible(now, fetch.freshness.max, fetch.lease()) else {
            self.set_control(control.undated(), now);
            return Vec::new();
        };
        let is_newer = control.generation != 0 && self.loaded_generation() != control.generation;
        self.set_control(control, now);
        // An expired document must not replace one that was fetched later but not stored.
        let is_later = self.loaded.as_ref().is_some_and(|own| own.fetched <= self.control.fetched);
        let is_useful = is_later || now < self.control_expiry();
        if is_newer && is_useful { vec![Effect::ReadDocument] } else { Vec::new() }
    }

    /// Makes the next tick read the shared document: this worker's has the number of another one.
    fn forget_version(&mut self) {
        if let Some(loaded) = &mut self.loaded {
            loaded.version.generation = 0;
        }
    }

    /// Sets the control record, which is current.
    fn set_control(&mut self, control: Control, now: Duration) {
        self.control = control;
        self.control_read_at = now;
        if let Some(loaded) = &mut self.loaded
            && (loaded.version.is_of(&control) || control::is_future(loaded.fetched, now))
        {
            (loaded.fetched, loaded.fresh_until) = (control.fetched, control.fresh_until);
        }
    }

    fn loaded_generation(&self) -> u64 {
        self.loaded.as_ref().map_or(0, |loaded| loaded.version.generation)
    }

    fn load(&mut self, document: &Document, now: Duration) -> Vec<Effect<S::Metric>> {
        let version = Version::new(document);
        let is_same = self.loaded.as_ref().is_some_and(|l| l.version.body == version.body);
        if self.loaded.is_none() && now >= self.control_expiry() {
            return Vec::new();
        }
        if is_same {
            self.confirm(version);
        } else if let Ok(parsed) = self.spec.parse(&document.body, &self.parser) {
            return self.replace(version, parsed.content);
        }
        Vec::new()
    }

    fn replace(&mut self, version: Version, content: S::Content) -> Vec<Effect<S::Metric>> {
        let Control { fetched, fresh_until, .. } = self.control;
        let before = self.loaded.replace(Loaded { version, content, fetched, fresh_until });
        self.generation = self.generation.saturating_add(1);
        let replaced = before.and_then(|_| self.count(FetchEvent::Replaced));
        replaced.into_iter().collect()
    }

    /// Replaces the document by a later one with the same content.
    fn confirm(&mut self, version: Version) {
        if let Some(loaded) = &mut self.loaded {
            let Control { fetched, fresh_until, .. } = self.control;
            (loaded.fetched, loaded.fresh_until) = (fetched, fresh_until);
            loaded.version = version;
        }
    }

    /// Returns the effect that counts an event, if the filter counts it.
    fn count(&self, event: FetchEvent) -> Option<Effect<S::Metric>> {
        self.spec.metric(event).map(Effect::Count)
    }

    /// Returns the time until which the shared document may be used.
    fn control_expiry(&self) -> Duration {
        self.control.fresh_until.saturating_add(self.spec.fetch().stale_if_error)
    }

    fn expiry(&self, loaded: &Loaded<S::Content>) -> Duration {
        loaded.fresh_until.saturating_add(self.spec.fetch().stale_if_error)
    }

    fn is_refetch_allowed(&self, control: &Control, now: Duration) -> bool {
        let interval = self.spec.fetch().refetch_interval;
        !interval.is_zero() && now >= control.last_refetch.saturating_add(interval)
    }

    /// Requests the lease if a fetch is due and no worker holds the lease.
    fn lease_if_due(&mut self, now: Duration, random: u128) -> Option<Effect<S::Metric>> {
        self.is_refetch_requested &= !self.control.is_leased(now);
        if self.control.is_leased(now) {
            return None;
        }
        // The refetch stays requested if another worker or an error prevents the lease.
        let is_refetch = self.is_refetch_requested && self.is_refetch_allowed(&self.control, now);
        if now < self.control.next_fetch && !is_refetch {
            return None;
        }
        let until = now.saturating_add(self.spec.fetch().lease());
        let last_refetch = if is_refetch { now } else { self.control.last_refetch };
        Some(Effect::Lease(Control {
            holder: random.max(1),
            leased_until: until,
            last_refetch,
            ..self.control
        }))
    }
}
