//! gRPC status codes.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::Shown;

/// A gRPC status code, configured by its name (`UNAVAILABLE`).
///
/// <https://grpc.io/docs/guides/status-codes/>
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "names of gRPC")]
#[repr(u8)]
pub enum GrpcStatus {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// A gRPC status by name.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, with = "String", extend("enum" = GrpcStatus::ALL.map(GrpcStatus::name)))]
pub struct GrpcStatusName(pub GrpcStatus);

impl GrpcStatus {
    /// All statuses, in the order of their codes.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// Returns the code, 0 to 16.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Returns the status with this code; `None` if gRPC does not define it.
    #[must_use]
    pub fn from_code(code: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }

    /// Returns the name in gRPC's notation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// Converts an HTTP status as Envoy does for gRPC clients.
    #[must_use]
    pub const fn from_http(status: u16) -> Self {
        match status {
            400 => Self::Internal,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::Unimplemented,
            429 | 502 | 503 | 504 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }
}

impl<'de> Deserialize<'de> for GrpcStatusName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let named =
            GrpcStatus::ALL.into_iter().find(|status| value.as_str() == Some(status.name()));
        named.map(Self).ok_or_else(|| {
            let status = value.as_u64().and_then(GrpcStatus::from_code);
            let hint = status.map(|status| format!(": write {}", status.name()));
            let hint = hint.unwrap_or_default();
            D::Error::custom(format_args!(
                "must be the name of a gRPC status such as UNAVAILABLE, {}{hint}",
                Shown(&value)
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    #[test]
    fn converts_between_names_and_codes() {
        for (code, status) in (0_u8..).zip(GrpcStatus::ALL) {
            assert_eq!(status.code(), code);
            assert_eq!(GrpcStatus::from_code(code.into()), Some(status));
            let read: GrpcStatus = serde_json::from_value(json!(status.name())).unwrap();
            assert_eq!(read, status);
        }
    }

    #[test]
    fn refuses_other_codes_and_names() {
        assert_eq!(GrpcStatus::from_code(17), None);
        assert_eq!(GrpcStatus::from_code(u64::MAX), None);
        for value in [json!("unavailable"), json!("BUSY"), json!(14)] {
            assert!(serde_json::from_value::<GrpcStatus>(value).is_err());
        }
    }

    #[test]
    fn converts_http_statuses_as_envoy_does() {
        for (http, grpc) in [
            (400, GrpcStatus::Internal),
            (401, GrpcStatus::Unauthenticated),
            (403, GrpcStatus::PermissionDenied),
            (404, GrpcStatus::Unimplemented),
            (429, GrpcStatus::Unavailable),
            (503, GrpcStatus::Unavailable),
            (200, GrpcStatus::Unknown),
            (500, GrpcStatus::Unknown),
        ] {
            assert_eq!(GrpcStatus::from_http(http), grpc, "{http}");
        }
    }
}
