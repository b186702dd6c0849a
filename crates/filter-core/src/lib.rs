//! The words that every Weir filter shares, as types.
//!
//! Nothing here knows that a proxy exists: no clock, no randomness, no logging, no I/O. What only one
//! filter needs lives in that filter.
//!
//! A configuration is parsed into values that are legal by construction, and everything that is
//! wrong with it is told at once:
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

mod authority;
mod claim_path;
mod cluster;
mod config;
mod consistent_hash;
mod duration;
mod each_once;
mod generator;
mod got;
mod grpc_status;
mod header_edits;
mod header_name;
mod headers;
mod integer;
mod ip_range;
mod matching;
mod metrics;
pub mod misplaced;
mod node;
mod number_texts;
mod path;
mod path_template;
mod percentage;
mod placeholders;
mod problem;
mod readings;
mod reply;
mod response_outcome;
mod schedule;
pub mod schema;
mod sticky;
mod string_match;
mod success_criteria;
mod text;

pub(crate) use crate::path::raw_cookies;
pub use crate::{
    claim_path::{ClaimPath, InvalidClaimPath},
    cluster::{ClusterRef, InvalidClusterRef, Port},
    config::{ConfigError, InvalidConfig, Problems, parse_config},
    consistent_hash::{ConsistentHash, CookieAttribute, HashCookie, HashKey, KeySource},
    duration::{DurationWithin, InvalidDuration, parse_duration},
    generator::Generator,
    got::Got,
    grpc_status::GrpcStatus,
    header_edits::{HeaderChanges, HeaderEdits, HeaderOperations, HeaderText},
    header_name::{EditableHeaderName, HeaderName, InvalidHeaderName},
    headers::Headers,
    integer::IntegerWithin,
    ip_range::{InvalidIpRange, IpRange},
    matching::{
        Answer, Captures, HttpMatch, Match, Matcher, MatcherOptions, Matches, Needs, Occurrences,
        Request, Shadowed, SourceMatch,
    },
    metrics::{MetricsConfig, label_value, metric_name_part},
    node::source_address_warning,
    number_texts::{NumberTexts, parse_exact},
    path::{PathNormalization, RequestPath, cookies, percent_decode},
    path_template::{InvalidPathTemplate, PathTemplate, PathTrie},
    percentage::{InvalidPercentage, Percentage},
    placeholders::{InvalidPlaceholder, Placeholder, PlaceholderKind, PlaceholderText},
    problem::{Problem, ProblemConfig, ProblemDetail},
    reply::{Reply, ReplyFormat},
    response_outcome::{EndedStream, Ending, ResponseOutcome},
    schedule::{InvalidTimestamp, Schedule, TimeOfDay, Timestamp, UtcOffset, Weekday, Window},
    sticky::{rendezvous, share_of, sticky_draw, sticky_hash},
    string_match::{InvalidStringMatch, StringMatch},
    success_criteria::{Counted, Guard, SuccessCriteria, Tally},
    text::{EntryName, OneLine, Salt, is_printable, is_visible, text},
};
