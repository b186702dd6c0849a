//! Types that the Weir filters share.
//!
//! The crate is independent of a proxy: no clock, no randomness, no logging, no I/O. Code that only
//! one filter needs is in that filter.
//!
//! A configuration is parsed into values that are valid by construction, and all its errors are
//! reported at once:
//!
//! ```
//! use filter_core::{DurationWithin, parse_config};
//!
//! #[derive(Debug, serde::Deserialize)]
//! #[serde(rename_all = "camelCase", deny_unknown_fields)]
//! struct Config {
//!     timeout: DurationWithin<100, 60_000>,
//! }
//!
//! let error = parse_config::<Config>(br#"{"timeout": "10ms"}"#).unwrap_err();
//! assert_eq!(error.to_string(), r#"timeout: must be between 100ms and 1m, got "10ms""#);
//! ```

mod config;
mod http;
mod matching;
pub mod protobuf;
pub mod remote;
mod traffic;
mod values;

pub(crate) use crate::http::path::raw_cookies;
pub use crate::{
    config::{
        ConfigError, ConfigErrors, InvalidConfig, misplaced, mode::Mode, parse_config, schema,
        shown::Shown, warning::Warning,
    },
    http::{
        authority::host,
        body_text::BodyText,
        grpc,
        grpc_status::{GrpcStatus, GrpcStatusName},
        header_edits::{HeaderChanges, HeaderEdits, HeaderOperations, HeaderText},
        headers::Headers,
        path::{PathNormalization, RequestPath, cookies, percent_decode},
        problem_details::{DetailLevel, ProblemConfig, ProblemDetails, ProblemType},
        reply::{Reply, ReplyFormat},
        response_outcome::{EndedStream, Ending, ResponseOutcome},
    },
    matching::{
        Answer, Captures, HttpMatch, Match, Matcher, MatcherOptions, Matches, Needs, Occurrences,
        Request, Shadowed, SourceMatch,
        path_template::{InvalidPathTemplate, PathTemplate, PathTrie},
        sidecar_address::source_address_warning,
        string_match::{InvalidStringMatch, StringMatch},
    },
    traffic::{
        consistent_hash::{ConsistentHash, CookieAttribute, HashCookie, HashKey, KeySource},
        generator::Generator,
        schedule::{InvalidTimestamp, Schedule, TimeOfDay, Timestamp, UtcOffset, Weekday, Window},
        sticky::{rendezvous, scale, sticky_draw, sticky_hash},
        success_criteria::{ErrorCounts, ErrorWindow, Guard, SuccessCriteria},
        token_bucket::TokenBucket,
    },
    values::{
        claim_path::{ClaimPath, InvalidClaimPath},
        cluster::{ClusterRef, InvalidClusterRef, Port},
        duration::{DurationWithin, InvalidDuration, parse_duration},
        header_name::{EditableHeaderName, HeaderName, InvalidHeaderName},
        integer::IntegerWithin,
        ip_range::{InvalidIpRange, IpRange},
        ip_set::IpSet,
        metric_names::{MetricsConfig, label_value, metric_name_part},
        number_spans::{NumberSpans, parse_exact},
        percentage::{InvalidPercentage, Percentage},
        placeholder::{InvalidPlaceholder, Placeholder, PlaceholderKind, PlaceholderText},
        redaction::{Redaction, RedactionConfig, RedactionKey},
        redactor::Redactor,
        text::{EntryName, OneLine, Salt, is_printable, is_visible, text},
        time_text,
    },
};
