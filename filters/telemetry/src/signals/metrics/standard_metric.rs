//! The standard metrics, with Istio's names.

use crate::{signals::metrics::MetricKind, stream::record::Record};

/// A standard metric.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum StandardMetric {
    /// All streams.
    RequestCount,
    /// Streams that are errors.
    ErrorCount,
    /// Milliseconds from the first byte of a request to the last of its response.
    RequestDuration,
    /// Bytes of requests' bodies.
    RequestSize,
    /// Bytes of responses' bodies.
    ResponseSize,
    /// Streams in flight.
    InFlight,
    /// Messages of gRPC requests.
    GrpcRequestMessages,
    /// Messages of gRPC responses.
    GrpcResponseMessages,
}

impl StandardMetric {
    /// Every standard metric.
    pub const ALL: [Self; 8] = [
        Self::RequestCount,
        Self::ErrorCount,
        Self::RequestDuration,
        Self::RequestSize,
        Self::ResponseSize,
        Self::InFlight,
        Self::GrpcRequestMessages,
        Self::GrpcResponseMessages,
    ];

    /// Returns the name in the configuration, which is Istio's if Istio has the metric.
    #[must_use]
    pub const fn istio_name(self) -> &'static str {
        match self {
            Self::RequestCount => "REQUEST_COUNT",
            Self::ErrorCount => "ERROR_COUNT",
            Self::RequestDuration => "REQUEST_DURATION",
            Self::RequestSize => "REQUEST_SIZE",
            Self::ResponseSize => "RESPONSE_SIZE",
            Self::InFlight => "IN_FLIGHT",
            Self::GrpcRequestMessages => "GRPC_REQUEST_MESSAGES",
            Self::GrpcResponseMessages => "GRPC_RESPONSE_MESSAGES",
        }
    }

    /// Returns the name of the family without prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestCount => "requests_total",
            Self::ErrorCount => "request_errors_total",
            Self::RequestDuration => "request_duration_ms",
            Self::RequestSize => "request_bytes",
            Self::ResponseSize => "response_bytes",
            Self::InFlight => "requests_in_flight",
            Self::GrpcRequestMessages => "request_messages_total",
            Self::GrpcResponseMessages => "response_messages_total",
        }
    }

    /// Returns the kind of the metric.
    #[must_use]
    pub const fn kind(self) -> MetricKind {
        match self {
            Self::RequestDuration | Self::RequestSize | Self::ResponseSize => MetricKind::Histogram,
            Self::InFlight => MetricKind::Gauge,
            Self::RequestCount
            | Self::ErrorCount
            | Self::GrpcRequestMessages
            | Self::GrpcResponseMessages => MetricKind::Counter,
        }
    }

    /// Returns `true` if the metric counts gRPC messages, which is off by default.
    #[must_use]
    pub const fn counts_messages(self) -> bool {
        matches!(self, Self::GrpcRequestMessages | Self::GrpcResponseMessages)
    }

    /// Returns the number that a completed stream adds; `None` if it adds nothing.
    #[must_use]
    pub fn observation(self, record: &Record, is_error: bool) -> Option<u64> {
        match self {
            Self::RequestCount => Some(1),
            Self::ErrorCount => is_error.then_some(1),
            Self::RequestDuration => (!record.is_tunnel()).then(|| record.millis()),
            Self::RequestSize => Some(record.request_bytes),
            Self::ResponseSize => Some(record.response_bytes),
            Self::InFlight => None,
            Self::GrpcRequestMessages => {
                (record.request_messages > 0).then_some(record.request_messages)
            }
            Self::GrpcResponseMessages => {
                (record.response_messages > 0).then_some(record.response_messages)
            }
        }
    }
}

/// A class of status codes. Without labels, each class has its own counter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StatusClass {
    /// The first digit of the status, 1 to 5.
    Hundreds(u16),
    /// No response.
    NoResponse,
}

impl StatusClass {
    /// All classes. Each stream belongs to exactly one.
    pub const ALL: [Self; 6] = [
        Self::Hundreds(1),
        Self::Hundreds(2),
        Self::Hundreds(3),
        Self::Hundreds(4),
        Self::Hundreds(5),
        Self::NoResponse,
    ];

    /// Returns the name of the counter without prefix.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Hundreds(digit) => format!("requests_{digit}xx_total"),
            Self::NoResponse => "requests_no_response_total".to_owned(),
        }
    }

    /// Returns the class of a status. Undefined statuses belong to the nearest class.
    #[must_use]
    pub fn of(status: Option<u16>) -> Self {
        let hundreds = status.and_then(|status| status.checked_div(100));
        hundreds.map_or(Self::NoResponse, |digit| Self::Hundreds(digit.clamp(1, 5)))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn streams_are_observed_by_each_metric() {
        let record = Record {
            status: Some(200),
            duration: Duration::from_nanos(1_999_999),
            request_bytes: 3,
            response_bytes: 4,
            request_messages: 5,
            ..Record::default()
        };
        let expected = [Some(1), None, Some(1), Some(3), Some(4), None, Some(5), None];
        let found = StandardMetric::ALL.map(|metric| metric.observation(&record, false));
        assert_eq!(found, expected);
        assert_eq!(StandardMetric::ErrorCount.observation(&record, true), Some(1));
        let tunnel = Record { status: Some(101), ..record };
        assert_eq!(StandardMetric::RequestDuration.observation(&tunnel, false), None);
    }

    #[test]
    fn names_are_unique_and_counters_end_in_total() {
        let names: BTreeSet<_> = StandardMetric::ALL.map(StandardMetric::name).into();
        assert_eq!(names.len(), StandardMetric::ALL.len());
        for metric in StandardMetric::ALL {
            assert_eq!(metric.kind() == MetricKind::Counter, metric.name().ends_with("_total"));
        }
    }

    #[test]
    fn every_status_has_one_class() {
        for (status, name) in [
            (None, "requests_no_response_total"),
            (Some(101), "requests_1xx_total"),
            (Some(204), "requests_2xx_total"),
            (Some(504), "requests_5xx_total"),
            (Some(0), "requests_1xx_total"),
            (Some(999), "requests_5xx_total"),
        ] {
            let class = StatusClass::of(status);
            assert_eq!(class.name(), name);
            assert_eq!(StatusClass::ALL.iter().filter(|other| **other == class).count(), 1);
        }
    }
}
