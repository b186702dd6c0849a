//! The passage of a stream through the filters.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use filter_host::{
    Action, Result, Stream, body, headers,
    published::{self, Facts},
    stream::{self, ContextId, Direction, Paused},
};

use crate::{
    event::Event,
    filters::{FilterStreams, Filters},
};

/// A stream of the suite.
pub struct SuiteStream(Rc<StreamProgress>);

/// The state of a stream; shared with the registry of paused streams while it is paused.
struct StreamProgress {
    filters: Rc<Filters>,
    context: ContextId,
    facts: Rc<Facts>,
    streams: RefCell<FilterStreams>,
    /// The callback that paused the request, and the one that paused the response.
    held: [Cell<Option<PausedAt>>; 2],
}

/// A callback that a filter paused.
#[derive(Clone, Copy)]
struct PausedAt {
    event: Event,
    /// The number of filters that the message has passed, including the one that paused it.
    passed: usize,
}

impl SuiteStream {
    pub(crate) fn new(filters: Rc<Filters>, context: ContextId) -> Self {
        Self(Rc::new(StreamProgress {
            filters,
            context,
            facts: Rc::default(),
            streams: RefCell::default(),
            held: [Cell::new(None), Cell::new(None)],
        }))
    }

    /// Passes a callback to all filters.
    fn run(&self, event: Event) -> Action {
        let before = published::enter(Some(Rc::clone(&self.0.facts)));
        let action = self.0.run(event, 0);
        published::enter(before);
        if action == Action::Pause {
            stream::register_paused(self.0.context, Rc::clone(&self.0) as Rc<dyn Paused>);
        }
        action
    }
}

impl Stream for SuiteStream {
    fn on_request_headers(&mut self, end_of_stream: bool) -> Action {
        self.run(Event::RequestHeaders { end_of_stream })
    }

    fn on_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.run(Event::RequestBody { size, end_of_stream })
    }

    fn on_request_trailers(&mut self) -> Action {
        self.run(Event::RequestTrailers)
    }

    fn on_response_headers(&mut self, end_of_stream: bool) -> Action {
        self.run(Event::ResponseHeaders { end_of_stream })
    }

    fn on_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.run(Event::ResponseBody { size, end_of_stream })
    }

    fn on_response_trailers(&mut self) -> Action {
        self.run(Event::ResponseTrailers)
    }

    fn on_log(&mut self) {
        let before = published::enter(Some(Rc::clone(&self.0.facts)));
        if let Ok(mut streams) = self.0.streams.try_borrow_mut() {
            streams.log(&self.0.filters, self.0.context);
        }
        published::enter(before);
    }
}

impl Drop for SuiteStream {
    fn drop(&mut self) {
        stream::unregister_paused(self.0.context);
    }
}

impl StreamProgress {
    /// Passes a callback to the filters after the first `passed` ones, until one pauses it.
    fn run(&self, event: Event, passed: usize) -> Action {
        match event.map() {
            Some(map) => headers::keep(map, || self.pass(event, passed)),
            None => self.pass(event, passed),
        }
    }

    fn pass(&self, mut event: Event, passed: usize) -> Action {
        let Ok(mut streams) = self.streams.try_borrow_mut() else { return Action::Pause };
        if matches!(event, Event::ResponseHeaders { .. }) {
            // A held request that got a response, such as a timeout, no longer reaches a filter.
            self.held(Direction::Request).set(None);
        }
        let mut is_held = false;
        for passed in passed..Filters::COUNT {
            let position = match event.direction() {
                Direction::Request => passed,
                Direction::Response => Filters::COUNT.saturating_sub(passed).saturating_sub(1),
            };
            let action = streams.deliver(position, &self.filters, self.context, event);
            event = event.resized(body::take_new_size());
            if action == Action::Continue {
                continue;
            }
            is_held = true;
            let held = PausedAt { event, passed: passed.saturating_add(1) };
            self.held(event.direction()).set(Some(held));
            match event.while_held() {
                // A chunk is passed on at once: its bytes can only be read now.
                Some(chunk) => event = chunk,
                None => break,
            }
        }
        if is_held { Action::Pause } else { Action::Continue }
    }

    const fn held(&self, direction: Direction) -> &Cell<Option<PausedAt>> {
        let [request, response] = &self.held;
        match direction {
            Direction::Request => request,
            Direction::Response => response,
        }
    }
}

impl Paused for StreamProgress {
    fn facts(&self) -> Rc<Facts> {
        Rc::clone(&self.facts)
    }

    fn resume(&self, direction: Direction) -> Result<()> {
        if let Some(held) = self.held(direction).take()
            && let Some(event) = held.event.after_hold()
            && self.run(event, held.passed) == Action::Pause
        {
            return Ok(());
        }
        stream::resume_in_proxy(direction)
    }
}
