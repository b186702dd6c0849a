//! Fetches of lists.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use filter_core::remote::{Source, State};
use filter_host::{
    Setup,
    calls::CallId,
    clock,
    metrics::Gauge,
    remote::{self, FIRST_TICK, Fetcher, IDLE_TICK, PendingCalls},
    timers::Timer,
};

use super::AccessControl;
use crate::{ListSpec, Metric, Policies, metrics::list_gauge};

/// The fetched lists of a worker.
pub(super) struct Lists {
    sources: RefCell<Vec<Source<ListSpec>>>,
    /// The content of each list that the policies use.
    in_use: RefCell<Vec<InUse>>,
    gauges: Vec<ListGauges>,
    calls: PendingCalls,
    /// `None` without lists.
    timer: Option<Timer>,
    /// The current period of the timer; zero if it was not started.
    period: Cell<Duration>,
}

/// The content of a list in the policies.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct InUse {
    /// The number of the content, as [`Source::generation`]; `None` if the list is unavailable.
    generation: Option<u64>,
    entries: usize,
}

struct ListGauges {
    age: Gauge,
    entries: Gauge,
}

impl ListGauges {
    fn define(list: &ListSpec, has_labels: bool) -> Self {
        let define = |stem| Gauge::define(&list_gauge(list.name(), stem, has_labels));
        Self { age: define("age_seconds"), entries: define("entries") }
    }
}

impl Lists {
    pub(super) fn new(policies: &Policies, setup: &Setup) -> Self {
        let sources: Vec<_> =
            policies.lists().map(|spec| Source::new(Rc::clone(spec), ())).collect();
        let has_labels = policies.has_labels();
        Self {
            in_use: RefCell::new(vec![InUse::default(); sources.len()]),
            gauges: policies.lists().map(|list| ListGauges::define(list, has_labels)).collect(),
            calls: PendingCalls::default(),
            timer: (!sources.is_empty()).then(|| Timer::new(&setup.timers)),
            period: Cell::default(),
            sources: RefCell::new(sources),
        }
    }

    /// Sets the period of the timer; after an error, a later tick tries again.
    fn set_period(&self, period: Duration) {
        let Some(timer) = self.timer.as_ref().filter(|_| self.period.get() != period) else {
            return;
        };
        match timer.every(period) {
            Ok(()) => self.period.set(period),
            Err(error) => log::error!("lists are fetched later: timer not set: {error:?}"),
        }
    }
}

impl AccessControl {
    /// Loads the lists that were fetched before, and schedules the first fetches.
    pub(super) fn start_lists(&self) {
        let count = self.source_count();
        if count == 0 {
            return;
        }
        if let Ok(now) = clock::since_1970() {
            for index in 0..count {
                // A list that cannot be read now is read at the first tick.
                remote::refresh_control(self, index, now);
            }
            self.use_lists(now);
        }
        self.lists.set_period(FIRST_TICK);
    }

    /// Fetches lists that are due, and uses those that changed.
    pub(super) fn tick_lists(&self) {
        if self.lists.period.get().is_zero() {
            self.lists.set_period(FIRST_TICK);
        }
        if !self.lists.timer.as_ref().is_some_and(Timer::is_due) {
            return;
        }
        if let Ok(now) = clock::since_1970() {
            remote::tick(self, now);
            self.use_lists(now);
            let ages = self.lists.sources.borrow();
            for (source, gauges) in ages.iter().zip(&self.lists.gauges) {
                if let Some((age, _)) = source.age(now) {
                    gauges.age.set(age.as_secs());
                }
            }
        }
        self.lists.set_period(IDLE_TICK);
    }

    /// Handles the response to a call.
    pub(super) fn handle_list(&self, call: CallId, body_size: usize) {
        if let Some(now) = remote::handle_response(self, call, body_size) {
            self.use_lists(now);
        }
    }

    /// Passes the lists that changed to the policies.
    fn use_lists(&self, now: Duration) {
        let sources = self.lists.sources.borrow();
        let mut in_use = self.lists.in_use.borrow_mut();
        let lists = sources.iter().zip(&self.lists.gauges).zip(in_use.iter_mut());
        for (index, ((source, gauges), in_use)) in lists.enumerate() {
            let content = match source.state(now) {
                State::Ready(content) => Some(content),
                State::Cold | State::Expired => None,
            };
            let entries = content.as_ref().map_or(0, |content| content.entries());
            let current =
                InUse { generation: content.as_ref().map(|_| source.generation()), entries };
            if *in_use != current {
                self.policies.set_list(index, content.as_ref());
                *in_use = current;
                gauges.entries.set(u64::try_from(entries).unwrap_or(u64::MAX));
            }
        }
    }
}

impl Fetcher for AccessControl {
    type Spec = ListSpec;

    fn source_count(&self) -> usize {
        self.lists.sources.borrow().len()
    }

    fn with_source<R>(
        &self,
        index: usize,
        action: impl FnOnce(&mut Source<ListSpec>) -> R,
    ) -> Option<R> {
        self.lists.sources.borrow_mut().get_mut(index).map(action)
    }

    fn pending_calls(&self) -> &PendingCalls {
        &self.lists.calls
    }

    fn count(&self, _index: usize, metric: Metric) {
        self.counters.add(metric);
    }

    fn record_fetch(&self, _index: usize, _time: Duration) {}
}
