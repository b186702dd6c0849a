//! An HTTP stream.

use std::rc::Rc;

use filter_host::{
    Action,
    headers::{self, Map},
};

use super::AccessControl;
use crate::EXPLAIN;

/// An HTTP stream.
pub struct Stream {
    filter: Rc<AccessControl>,
    /// The explanation for the response to a request that was not denied.
    explanation: Option<String>,
}

impl Stream {
    pub(super) const fn new(filter: Rc<AccessControl>) -> Self {
        Self { filter, explanation: None }
    }
}

impl filter_host::Stream for Stream {
    fn on_request_headers(&mut self, _end_of_stream: bool) -> Action {
        let (action, explanation) = self.filter.decide();
        self.explanation = explanation;
        action
    }

    fn on_response_headers(&mut self, _end_of_stream: bool) -> Action {
        if let Some(explanation) = self.explanation.take()
            && let Err(error) = headers::add(Map::ResponseHeaders, EXPLAIN, explanation.as_bytes())
        {
            self.filter.on_error(error);
        }
        Action::Continue
    }
}
