//! Fetches of documents that all workers of the proxy share.
//!
//! A plugin implements [`Fetcher`] for its sources, and passes ticks and responses to the functions
//! of this module, which pass events to the sources and apply their effects.

use std::{cell::RefCell, collections::BTreeMap, collections::VecDeque, time::Duration};

use filter_core::remote::{Answer, Call, Control, DocumentSpec, Effect, Event, Source};

use crate::{
    calls::{self, CallId},
    clock,
    host_error::{HostError, Result},
    random,
    shared_data::Versioned,
};

mod shared;

/// The time until the first tick, which starts the first fetches.
pub const FIRST_TICK: Duration = Duration::from_millis(100);
/// The tick period while no request waits for a document.
pub const IDLE_TICK: Duration = Duration::from_secs(1);

/// An effect of a source of a fetcher.
type EffectOf<F> = Effect<<<F as Fetcher>::Spec as DocumentSpec>::Metric>;

/// The sources of a plugin, by index.
pub trait Fetcher {
    /// The configuration of a source.
    type Spec: DocumentSpec;

    /// Returns the number of sources.
    fn source_count(&self) -> usize;

    /// Calls `action` with a source; `None` if there is no such source. `action` must not make host
    /// calls.
    fn with_source<R>(
        &self,
        index: usize,
        action: impl FnOnce(&mut Source<Self::Spec>) -> R,
    ) -> Option<R>;

    /// Returns the calls in progress.
    fn pending_calls(&self) -> &PendingCalls;

    /// Increments a counter for a source.
    fn count(&self, index: usize, metric: <Self::Spec as DocumentSpec>::Metric);

    /// Records the duration of a fetch by a source.
    fn record_fetch(&self, index: usize, time: Duration);
}

/// The calls of a plugin in progress, with the index of their source.
#[derive(Debug, Default)]
pub struct PendingCalls(RefCell<BTreeMap<CallId, usize>>);

/// Passes a tick to every source.
pub fn tick(fetcher: &impl Fetcher, now: Duration) {
    for index in 0..fetcher.source_count() {
        if let Some(record) = shared::control(fetcher, index) {
            let control = Control::decode(&record.value).unwrap_or_default();
            feed(fetcher, index, Event::Tick(control), Some(&record), now);
        }
    }
}

/// Handles the response to a call of a source, and returns the current time; `None` for another
/// call, or if the clock cannot be read.
pub fn handle_response(fetcher: &impl Fetcher, call: CallId, body_size: usize) -> Option<Duration> {
    let index = fetcher.pending_calls().0.borrow_mut().remove(&call)?;
    let now = clock::since_1970().ok()?;
    let max = fetcher.with_source(index, |source| source.spec().max_bytes()).unwrap_or_default();
    let answer = read_answer(body_size, max).unwrap_or_default();
    feed(fetcher, index, Event::Answer(answer), None, now);
    Some(now)
}

/// Reads the control record of a source, which other workers may have changed; returns `false` if
/// it cannot be read.
pub fn refresh_control(fetcher: &impl Fetcher, index: usize, now: Duration) -> bool {
    let Some(record) = shared::control(fetcher, index) else { return false };
    let control = Control::decode(&record.value).unwrap_or_default();
    feed(fetcher, index, Event::Control(control), Some(&record), now);
    true
}

/// Passes an event to a source, and applies its effects and the events that follow from them.
fn feed<F: Fetcher>(
    fetcher: &F,
    index: usize,
    event: Event,
    record: Option<&Versioned>,
    now: Duration,
) {
    let mut events = VecDeque::from([event]);
    while let Some(event) = events.pop_front() {
        let random = (u128::from(random::bits()) << 64) | u128::from(random::bits());
        let effects = fetcher.with_source(index, |source| source.handle(event, now, random));
        let Some(effects) = effects else { return };
        let effects = effects.into_iter();
        events.extend(effects.filter_map(|effect| perform(fetcher, index, effect, record)));
    }
}

/// Applies an effect; returns the event that follows from it.
fn perform<F: Fetcher>(
    fetcher: &F,
    index: usize,
    effect: EffectOf<F>,
    record: Option<&Versioned>,
) -> Option<Event> {
    match effect {
        Effect::ReadDocument => return shared::document(fetcher, index).map(Event::Document),
        Effect::Lease(control) => {
            let is_leased = shared::lease(fetcher, index, record?, &control);
            return is_leased.then_some(Event::Leased(control));
        }
        Effect::Call(call) => return send(fetcher, index, &call),
        Effect::Write { holder, document, control } => {
            let is_written = shared::write(fetcher, index, holder, document, control);
            return (!is_written).then_some(Event::NotWritten);
        }
        Effect::Count(metric) => fetcher.count(index, metric),
        Effect::FetchTime(time) => fetcher.record_fetch(index, time),
        Effect::LogInfo(line) => log::info!("{line}"),
        Effect::LogWarning(line) => log::warn!("{line}"),
    }
    None
}

fn send(fetcher: &impl Fetcher, index: usize, call: &Call) -> Option<Event> {
    match calls::http(&call.cluster, &call.headers(), &[], call.timeout) {
        Ok(id) => {
            fetcher.pending_calls().0.borrow_mut().insert(id, index);
            None
        }
        Err(HostError::BadArgument) => Some(Event::NoCluster),
        Err(_) => Some(Event::Answer(Answer::default())),
    }
}

/// Reads the response to a call, without a body of more than `max` bytes.
fn read_answer(body_size: usize, max: usize) -> Result<Answer> {
    let headers = calls::response_headers()?;
    let body = if body_size > max { None } else { Some(calls::response_body(max)?) };
    Ok(Answer { headers, body })
}
