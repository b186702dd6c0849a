//! Where the value of a label comes from.

use crate::{
    stream::direction::Direction,
    stream::record::{Method, Record},
};

/// The source of a label's value; families share those that are alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LabelSource {
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
    /// The name of the objective in this place.
    Slo(usize),
    /// The label of the document in this place.
    Label(usize),
}

/// A label's value as a number, which stands for a text.
pub type LabelValue = u32;

/// The number of a label that a series goes without.
pub(crate) const ABSENT: LabelValue = u32::MAX;
/// The number of a value that was one too many, or could not be admitted.
pub const OVERFLOW: LabelValue = u32::MAX - 1;
/// What every value beyond a limit is called.
pub const OTHER: &str = "other";

impl LabelSource {
    /// Returns the value that a stream has; of one that runs, only what its request says.
    ///
    /// `None` for a label of the document, whose values have numbers as they come.
    #[must_use]
    pub fn value(self, record: &Record) -> Option<LabelValue> {
        Some(match self {
            Self::Label(_) => return None,
            Self::Reporter(_) | Self::Slo(_) => 0,
            Self::Method => record.method as LabelValue,
            Self::Operation => record
                .operation
                .and_then(|operation| LabelValue::try_from(operation).ok())
                .map_or(0, |operation| operation.saturating_add(1)),
            Self::Code => record.status.map_or(0, LabelValue::from),
            Self::GrpcStatus => record.grpc_status.map_or(ABSENT, |status| status.min(999)),
        })
    }

    /// Returns the text of a value; `None` where the series goes without this label.
    ///
    /// `names` are those of the operations, of the objectives, or the values of the document's
    /// label, whichever the source counts by.
    #[must_use]
    pub fn text(self, value: LabelValue, names: &[String]) -> Option<String> {
        let place = usize::try_from(value).unwrap_or(usize::MAX);
        let name = |place: Option<usize>| {
            place.and_then(|place| names.get(place)).map_or(OTHER, String::as_str).to_owned()
        };
        Some(match self {
            _ if value == OVERFLOW => OTHER.to_owned(),
            Self::Reporter(direction) => direction.reporter().to_owned(),
            Self::Slo(slo) => name(Some(slo)),
            Self::Label(_) => name(Some(place)),
            Self::Method => Method::ALL.get(place).copied().unwrap_or_default().as_str().to_owned(),
            Self::Operation => name(place.checked_sub(1)),
            Self::Code => value.to_string(),
            Self::GrpcStatus if value == ABSENT => return None,
            Self::GrpcStatus => value.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_stream_has_a_text_for_each_label() {
        let record = Record {
            method: Method::Post,
            operation: Some(1),
            status: Some(201),
            ..Record::default()
        };
        let grpc = Record { grpc_status: Some(14), ..record };
        let names = ["getOrder".to_owned(), "createOrder".to_owned()];
        for (source, record, text) in [
            (LabelSource::Reporter(Direction::Outbound), record, Some("source")),
            (LabelSource::Method, record, Some("POST")),
            (LabelSource::Operation, record, Some("createOrder")),
            (LabelSource::Operation, Record::default(), Some("other")),
            (LabelSource::Code, record, Some("201")),
            (LabelSource::Code, Record::default(), Some("0")),
            (LabelSource::GrpcStatus, record, None),
            (LabelSource::GrpcStatus, grpc, Some("14")),
            (LabelSource::Slo(0), record, Some("getOrder")),
        ] {
            let value = source.value(&record).unwrap();
            assert_eq!(source.text(value, &names).as_deref(), text, "{source:?}");
        }
    }

    #[test]
    fn what_was_one_too_many_is_other() {
        for source in [LabelSource::Label(0), LabelSource::Code, LabelSource::GrpcStatus] {
            assert_eq!(source.text(OVERFLOW, &[]).as_deref(), Some("other"));
        }
    }

    #[test]
    fn a_grpc_status_has_at_most_three_digits() {
        let record = Record { grpc_status: Some(4_000_000_000), ..Record::default() };
        assert_eq!(LabelSource::GrpcStatus.value(&record), Some(999));
    }
}
