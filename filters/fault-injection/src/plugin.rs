//! Joins the policy to the proxy: reads the request, asks, does what it is told.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant, SystemTime},
};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    Plugin, Root, clock,
    proxy_wasm::{self, traits::HttpContext},
    random,
    request::RequestReader,
    stream::{self, ContextId},
};

use crate::{
    Config, Decision, Dice, Generator, Metric, Plan, Policy, Waiting,
    plugin::{counters::Counters, exchange::Stream, held::Held, shared::Shared},
};

mod admission;
mod counters;
mod exchange;
mod held;
mod pacing;
mod queue;
mod reading;
mod shared;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(Root::<FaultInjection>::boxed);
}}

/// The filter with its configuration in force.
struct FaultInjection {
    policy: Policy,
    reader: RequestReader,
    context: ContextId,
    dice: RefCell<Generator>,
    waiting: RefCell<Waiting<Rc<Held>>>,
    /// When the tick that was asked for comes; `None` while none is.
    awake: Cell<Option<Duration>>,
    clock: Instant,
    /// The second in which schedules were last looked at, and which were in force then.
    last_schedule_check: Cell<u64>,
    schedule_state: RefCell<Vec<u8>>,
    shared: Shared,
    counters: Counters,
}

impl Plugin for FaultInjection {
    fn configure(document: &[u8], context: ContextId) -> std::result::Result<Self, InvalidConfig> {
        let config: Config = parse_config(document)?;
        let policy = Policy::new(&config)?;
        let now = clock::now().unwrap_or(SystemTime::UNIX_EPOCH);
        policy.warnings(now).iter().for_each(|warning| log::warn!("{warning}"));
        let counters = Counters::define(&policy);
        let schedule_state = policy.schedule_state(now);
        let shared = Shared::new(&policy, document, &schedule_state);
        counters.stopped.set(u64::from(shared.is_stopped()));
        log::info!("configuration applied");
        Ok(Self {
            dice: RefCell::new(Generator::new(random::bits())),
            waiting: RefCell::default(),
            awake: Cell::new(None),
            clock: Instant::now(),
            last_schedule_check: Cell::new(0),
            schedule_state: RefCell::new(schedule_state),
            reader: RequestReader::new(policy.needs()),
            policy,
            context,
            shared,
            counters,
        })
    }

    fn open(self: Rc<Self>, context: ContextId) -> Box<dyn HttpContext> {
        Box::new(Stream::new(self, context))
    }

    fn on_tick(&self) {
        // What is woken may wait again, so the queue is not borrowed meanwhile.
        loop {
            let due = self.waiting.borrow_mut().pop(self.now());
            let Some((due, context, held)) = due else { break };
            let late = self.now().saturating_sub(due);
            held.wake(self, context, late);
        }
        let _ = stream::enter(self.context);
        // The tick comes again and again until it is told otherwise.
        self.awake.set(Some(Duration::MAX));
        if self.rearm().is_err() {
            self.counters.count(Metric::Errors, None);
        }
    }
}

impl FaultInjection {
    /// Decides about the request at hand; an error of the proxy means no fault.
    fn decide(&self) -> Option<Plan> {
        if self.policy.is_idle() {
            return None;
        }
        let dice = Dice::roll(&mut self.dice.borrow_mut());
        if !self.policy.may_fire(&dice) {
            return None;
        }
        let decision = self.ask(&dice).unwrap_or_else(|error| {
            log::warn!("a host call failed: {error:?}");
            self.counters.count(Metric::Errors, None);
            Decision::default()
        });
        if decision.is_unkeyed {
            self.counters.count(Metric::Unkeyed, None);
        }
        decision.plan
    }
}
