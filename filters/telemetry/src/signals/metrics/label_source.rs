//! Sources of label values.

use crate::{
    stream::direction::Direction,
    stream::record::{Method, Record},
};

/// The source of a label's value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LabelSource {
    /// The reporting side: source or destination.
    Reporter(Direction),
    /// The request's method.
    Method,
    /// The name of the operation.
    Operation,
    /// The status code.
    Code,
    /// The gRPC status of responses that have one.
    GrpcStatus,
    /// The name of the objective with this index.
    Slo(usize),
    /// The configured label with this index.
    Label(usize),
}

/// A label value, encoded as a number. [`LabelSource::text`] returns its text.
pub type LabelValue = u32;

/// The number for a label that a series does not have.
pub(crate) const ABSENT: LabelValue = u32::MAX;
/// The number for all values beyond a limit.
pub const OVERFLOW: LabelValue = u32::MAX - 1;
/// The text for all values beyond a limit.
pub const OTHER: &str = "other";

impl LabelSource {
    /// Returns the value for a stream. While the stream is in flight, only values of the request
    /// are available.
    ///
    /// `None` for a configured label, whose values are numbered by an interner.
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

    /// Returns the text of a value; `None` if the series does not have this label.
    ///
    /// `names` are the names of the operations or of the objectives, or the values of the
    /// configured label, depending on the source.
    #[must_use]
    pub fn text(self, value: LabelValue, names: &[String]) -> Option<String> {
        let index = usize::try_from(value).unwrap_or(usize::MAX);
        let name = |index: Option<usize>| {
            index.and_then(|index| names.get(index)).map_or(OTHER, String::as_str).to_owned()
        };
        Some(match self {
            _ if value == OVERFLOW => OTHER.to_owned(),
            Self::Reporter(direction) => direction.reporter().to_owned(),
            Self::Slo(slo) => name(Some(slo)),
            Self::Label(_) => name(Some(index)),
            Self::Method => Method::ALL.get(index).copied().unwrap_or_default().as_str().to_owned(),
            Self::Operation => name(index.checked_sub(1)),
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
    fn label_values_have_texts() {
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
    fn values_beyond_a_limit_are_other() {
        for source in [LabelSource::Label(0), LabelSource::Code, LabelSource::GrpcStatus] {
            assert_eq!(source.text(OVERFLOW, &[]).as_deref(), Some("other"));
        }
    }

    #[test]
    fn grpc_statuses_have_at_most_three_digits() {
        let record = Record { grpc_status: Some(4_000_000_000), ..Record::default() };
        assert_eq!(LabelSource::GrpcStatus.value(&record), Some(999));
    }
}
