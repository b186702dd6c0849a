//! Requests whose limits the rate-limit service counts.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};

use filter_core::Request;
use filter_host::stream::ContextId;

use super::hold::Hold;
use crate::{GlobalDraw, Plan, service::Answer};

/// A request whose decision waits for the service.
pub(super) struct Waiting {
    pub(super) id: ContextId,
    pub(super) request: Request,
    pub(super) plan: Plan,
    states: RefCell<Vec<DrawState>>,
    /// Answers to the calls for this request, in EXACT mode.
    answers: RefCell<Vec<Answer>>,
    /// `true` once the request is decided, or its stream has ended.
    is_over: Cell<bool>,
    hold: RefCell<Weak<Hold>>,
}

/// The state of a draw.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum DrawState {
    /// The service has not answered.
    Pending,
    /// The service admits the request.
    Admitted,
    /// The request is over the limit.
    Refused(Duration),
    /// The service does not answer.
    Failed,
}

impl Waiting {
    pub(super) fn new(id: ContextId, request: Request, plan: Plan) -> Self {
        Self {
            id,
            request,
            states: RefCell::new(vec![DrawState::Pending; plan.global.len()]),
            plan,
            answers: RefCell::default(),
            is_over: Cell::new(false),
            hold: RefCell::default(),
        }
    }

    /// Returns the draws with their states.
    pub(super) fn draws(&self) -> Vec<(&GlobalDraw, DrawState)> {
        self.plan.global.iter().zip(self.states.borrow().iter().copied()).collect()
    }

    pub(super) fn draw(&self, index: usize) -> Option<&GlobalDraw> {
        self.plan.global.get(index)
    }

    /// Sets the state of a draw.
    pub(super) fn set(&self, index: usize, state: DrawState) {
        if let Some(found) = self.states.borrow_mut().get_mut(index) {
            *found = state;
        }
    }

    /// Returns `true` if no draw is pending, or one refuses the request.
    pub(super) fn is_settled(&self) -> bool {
        let states = self.states.borrow();
        let draws = self.plan.global.iter().zip(states.iter());
        let refuses = |(global, state): (&GlobalDraw, &DrawState)| {
            matches!(state, DrawState::Refused(_)) && global.draw.is_enforced
        };
        let is_refused = draws.into_iter().any(refuses);
        is_refused || !states.contains(&DrawState::Pending)
    }

    /// Adds an answer, whose headers are forwarded.
    pub(super) fn add_answer(&self, answer: Answer) {
        self.answers.borrow_mut().push(answer);
    }

    pub(super) fn take_answers(&self) -> Vec<Answer> {
        self.answers.take()
    }

    /// Returns `true` if the request is decided, or its stream has ended.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Ends the wait. Returns `false` if it had ended.
    pub(super) fn end(&self) -> bool {
        !self.is_over.replace(true)
    }

    pub(super) fn set_hold(&self, hold: &Rc<Hold>) {
        self.hold.replace(Rc::downgrade(hold));
    }

    pub(super) fn hold(&self) -> Option<Rc<Hold>> {
        self.hold.borrow().upgrade()
    }
}
