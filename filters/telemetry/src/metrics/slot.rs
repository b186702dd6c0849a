//! Where the value of a label comes from.

use crate::{
    direction::Direction,
    record::{Method, Record},
};

/// The source of a label's value; families share those that are alike.
#[derive(Clone, Debug, PartialEq)]
pub enum Slot {
    /// Which side the proxy is on.
    Reporter(Direction),
    /// The request's method.
    Method,
    /// The operation's name.
    Operation,
    /// The status.
    Code,
    /// The gRPC status, of responses that have one.
    GrpcStatus,
    /// A text that the document gives.
    Constant(String),
}

/// A label's value as a number, which stands for a text.
pub type LabelValue = u32;

/// The number of a label that a series goes without.
pub(super) const ABSENT: LabelValue = u32::MAX;

impl Slot {
    /// Returns the value that a stream has; of one that runs, only what its request says.
    #[must_use]
    pub fn value(&self, record: &Record) -> LabelValue {
        match self {
            Self::Reporter(_) | Self::Constant(_) => 0,
            Self::Method => record.method as LabelValue,
            Self::Operation => record
                .operation
                .and_then(|operation| LabelValue::try_from(operation).ok())
                .map_or(0, |operation| operation.saturating_add(1)),
            Self::Code => record.status.map_or(0, LabelValue::from),
            Self::GrpcStatus => record.grpc_status.unwrap_or(ABSENT),
        }
    }

    /// Returns the text of a value; `None` where the series goes without this label.
    #[must_use]
    pub fn text(&self, value: LabelValue, operations: &[String]) -> Option<String> {
        let place = usize::try_from(value).unwrap_or(usize::MAX);
        Some(match self {
            Self::Reporter(direction) => direction.reporter().to_owned(),
            Self::Constant(text) => text.clone(),
            Self::Method => Method::ALL.get(place).copied().unwrap_or_default().as_str().to_owned(),
            Self::Operation => {
                let name = place.checked_sub(1).and_then(|place| operations.get(place));
                name.map_or("other", String::as_str).to_owned()
            }
            Self::Code => value.to_string(),
            Self::GrpcStatus if value == ABSENT => return None,
            Self::GrpcStatus => value.to_string(),
        })
    }
}
