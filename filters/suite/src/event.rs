//! The callbacks of a stream, as values.

use filter_host::{headers::Map, stream::Direction};

/// A callback of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    RequestHeaders { end_of_stream: bool },
    RequestBody { size: usize, end_of_stream: bool },
    RequestTrailers,
    ResponseHeaders { end_of_stream: bool },
    ResponseBody { size: usize, end_of_stream: bool },
    ResponseTrailers,
}

impl Event {
    /// Returns the direction of the message.
    pub(crate) const fn direction(self) -> Direction {
        match self {
            Self::RequestHeaders { .. } | Self::RequestBody { .. } | Self::RequestTrailers => {
                Direction::Request
            }
            Self::ResponseHeaders { .. } | Self::ResponseBody { .. } | Self::ResponseTrailers => {
                Direction::Response
            }
        }
    }

    /// Returns the map that the filters read during the callback.
    pub(crate) const fn map(self) -> Option<Map> {
        match self {
            Self::RequestHeaders { .. } => Some(Map::RequestHeaders),
            Self::RequestTrailers => Some(Map::RequestTrailers),
            Self::ResponseHeaders { .. }
            | Self::RequestBody { .. }
            | Self::ResponseBody { .. }
            | Self::ResponseTrailers => None,
        }
    }

    /// Returns the callback for a chunk of another size, if a filter changed it.
    pub(crate) const fn resized(self, new_size: Option<usize>) -> Self {
        match (self, new_size) {
            (Self::ResponseBody { end_of_stream, .. }, Some(size)) => {
                Self::ResponseBody { size, end_of_stream }
            }
            (event, _) => event,
        }
    }

    /// Returns the callback for the next filters while a filter holds a chunk; `None` if the
    /// message is not a body, so they must wait.
    pub(crate) const fn while_held(self) -> Option<Self> {
        match self {
            Self::RequestBody { size, .. } => {
                Some(Self::RequestBody { size, end_of_stream: false })
            }
            Self::ResponseBody { size, .. } => {
                Some(Self::ResponseBody { size, end_of_stream: false })
            }
            Self::RequestHeaders { .. }
            | Self::RequestTrailers
            | Self::ResponseHeaders { .. }
            | Self::ResponseTrailers => None,
        }
    }

    /// Returns the callback for the next filters after a filter held the message; `None` if they
    /// have seen all of it.
    pub(crate) const fn after_hold(self) -> Option<Self> {
        match self {
            Self::RequestBody { end_of_stream: true, .. } => {
                Some(Self::RequestBody { size: 0, end_of_stream: true })
            }
            Self::ResponseBody { end_of_stream: true, .. } => {
                Some(Self::ResponseBody { size: 0, end_of_stream: true })
            }
            Self::RequestBody { .. } | Self::ResponseBody { .. } => None,
            event => Some(event),
        }
    }
}
