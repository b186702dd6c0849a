//! Documents that are fetched: key sets and deny lists.
//!
//! [`Source`] is a state machine without a host: events go in, effects come out, time and random
//! bits are passed along. All workers of a proxy share one [`Control`] and one [`Document`] per
//! source; whoever replaces the control record by compare-and-swap holds the lease and fetches.

use std::{rc::Rc, time::Duration};

use filter_core::Headers;

use crate::{Metric, crypto::Crypto};

mod call;
mod content;
mod control;
mod document;
mod fetch;
mod freshness;
mod schedule;
mod spec;
mod trouble;

pub use call::{Call, FetchHeaders};
pub use content::Content;
pub use control::Control;
pub use document::Document;
pub use spec::{Freshness, Kind, Origin, Slot, SourceSpec};
pub use trouble::Trouble;

/// One document as one worker knows it.
#[derive(Debug)]
pub struct Source {
    spec: Rc<SourceSpec>,
    crypto: Crypto,
    view: Control,
    /// When `view` was read.
    seen: Duration,
    loaded: Option<Loaded>,
    /// Counts the documents of different bytes that this worker has seen.
    generation: u64,
    flight: Option<Flight>,
    /// Whether a request asks for an extra fetch.
    wanted: bool,
}

#[derive(Debug)]
struct Loaded {
    document: Document,
    content: Content,
}

/// A fetch of this worker that is under way.
#[derive(Debug)]
struct Flight {
    holder: u128,
    began: Duration,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Discovery,
    Document { uri: String },
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// The worker woke up and read the control record.
    Tick(Control),
    /// A request made the worker read the control record; nothing is fetched from there.
    Look(Control),
    /// The document slot was read.
    Document(Document),
    /// The control record of [`Effect::Lease`] was put in place.
    Leased(Control),
    /// The proxy refused the call.
    NoCluster,
    /// The call was answered.
    Answer(Answer),
}

/// The answer to a call; without headers there was none.
#[derive(Debug, Default)]
pub struct Answer {
    /// The headers.
    pub headers: Headers,
    /// The body, `None` if it is longer than [`SourceSpec::max_bytes`].
    pub body: Option<Vec<u8>>,
}

/// Something to be done, in the order given.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Read the document slot and report [`Event::Document`].
    ReadDocument,
    /// Replace the control record that was just read, and if that works report [`Event::Leased`].
    Lease(Control),
    /// Send this call, and report [`Event::NoCluster`] if the proxy refuses.
    Call(Call),
    /// If `holder` still holds the lease, write the document, if any, and the control record.
    Write {
        /// Whose lease it was.
        holder: u128,
        /// The new document.
        document: Option<Document>,
        /// The new record.
        control: Control,
    },
    /// Increment a counter.
    Count(Metric),
    /// Record how long a fetch took.
    Took(Duration),
    /// Log that all is well.
    Inform(String),
    /// Log that something is not.
    Warn(String),
}

/// Whether there is a document to decide by.
#[derive(Clone, Debug)]
pub enum State {
    /// There is.
    Ready(Content),
    /// None was fetched yet.
    Cold,
    /// The last one is past `staleIfError`.
    Dropped,
}

/// What the answer to a waiting request depends on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Revision {
    generation: u64,
    leased: bool,
    extra: Duration,
    attempted: Duration,
}

/// Whether a fetch may bring a key that is missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hope {
    /// One is under way or was asked for.
    Fetching,
    /// No fetch is allowed now.
    Limited,
}

impl Source {
    /// Knows nothing yet.
    pub fn new(spec: Rc<SourceSpec>, crypto: Crypto) -> Self {
        Self {
            spec,
            crypto,
            view: Control::default(),
            seen: Duration::ZERO,
            loaded: None,
            generation: 0,
            flight: None,
            wanted: false,
        }
    }

    /// Returns what is configured.
    pub fn spec(&self) -> &SourceSpec {
        &self.spec
    }

    /// Returns what there is to decide by.
    pub fn state(&self, now: Duration) -> State {
        match &self.loaded {
            None => State::Cold,
            Some(_) if now >= self.dropped_at() => State::Dropped,
            Some(loaded) => State::Ready(loaded.content.clone()),
        }
    }

    /// Returns the number of the document that [`Source::state`] answers from.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Asks for a fetch because a request names a key that is not there.
    pub fn ask(&mut self, now: Duration) -> Hope {
        // What another worker did since the last look is not known before the next one.
        let current = self.seen == now;
        if !current || self.view.is_leased(now) {
            return Hope::Fetching;
        }
        self.wanted = self.allows_extra(&self.view, now);
        if self.wanted { Hope::Fetching } else { Hope::Limited }
    }

    /// Returns a value that changes whenever waiting requests should be asked again.
    pub const fn revision(&self, now: Duration) -> Revision {
        Revision {
            generation: self.generation,
            leased: self.view.is_leased(now),
            extra: self.view.extra,
            attempted: self.view.attempted,
        }
    }

    /// Returns how long it takes until the next regular fetch; zero if one is due or under way.
    pub const fn next_attempt(&self, now: Duration) -> Duration {
        self.view.next.saturating_sub(now)
    }

    /// Returns the age of the document and whether it is past its freshness.
    pub fn age(&self, now: Duration) -> Option<(Duration, bool)> {
        self.loaded.as_ref()?;
        Some((now.saturating_sub(self.view.fetched), now >= self.view.fresh_until))
    }

    /// Takes an event and says what is to be done.
    pub fn on(&mut self, event: Event, now: Duration, random: u128) -> Vec<Effect> {
        match event {
            Event::Tick(control) => {
                let mut effects = self.look(control, now);
                effects.extend(self.lease(now, random));
                effects
            }
            Event::Look(control) => self.look(control, now),
            Event::Document(document) => self.load(document, now),
            Event::Leased(control) => self.depart(control, now),
            Event::NoCluster => self.fail(Trouble::NoCluster, now, random),
            Event::Answer(answer) => self.arrive(&answer, now, random),
        }
    }

    fn look(&mut self, control: Control, now: Duration) -> Vec<Effect> {
        let newer = control.generation != 0 && self.loaded_generation() != control.generation;
        self.view = control;
        self.seen = now;
        if newer { vec![Effect::ReadDocument] } else { Vec::new() }
    }

    fn loaded_generation(&self) -> u64 {
        self.loaded.as_ref().map_or(0, |loaded| loaded.document.generation)
    }

    fn load(&mut self, document: Document, now: Duration) -> Vec<Effect> {
        let same = self.loaded.as_ref().is_some_and(|l| l.document.body == document.body);
        let too_old = self.loaded.is_none() && now >= self.dropped_at();
        if too_old {
            return Vec::new();
        }
        if same {
            if let Some(loaded) = &mut self.loaded {
                loaded.document = document;
            }
        } else if let Ok((content, _)) =
            Content::parse(self.spec.kind, &document.body, &self.crypto)
        {
            return self.replace(document, content);
        }
        Vec::new()
    }

    fn replace(&mut self, document: Document, content: Content) -> Vec<Effect> {
        let before = self.loaded.replace(Loaded { document, content });
        self.generation = self.generation.saturating_add(1);
        let flushes = before.is_some() && self.spec.kind == Kind::Keys;
        if flushes { vec![Effect::Count(Metric::TokenCacheFlushes)] } else { Vec::new() }
    }

    fn dropped_at(&self) -> Duration {
        self.view.fresh_until.saturating_add(self.spec.stale_if_error)
    }

    fn allows_extra(&self, control: &Control, now: Duration) -> bool {
        let interval = self.spec.extra_interval;
        !interval.is_zero() && now >= control.extra.saturating_add(interval)
    }

    /// Asks for the lease if it is time to fetch and nobody does.
    fn lease(&mut self, now: Duration, random: u128) -> Option<Effect> {
        let wanted = std::mem::take(&mut self.wanted);
        if self.view.is_leased(now) {
            return None;
        }
        let extra = wanted && self.allows_extra(&self.view, now);
        if now < self.view.next && !extra {
            return None;
        }
        let until = now.saturating_add(self.spec.timeout).saturating_add(Duration::from_secs(1));
        let began = if extra { now } else { self.view.extra };
        Some(Effect::Lease(Control {
            holder: random.max(1),
            leased_until: until,
            extra: began,
            ..self.view
        }))
    }
}

#[cfg(test)]
mod tests;
