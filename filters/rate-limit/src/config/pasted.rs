//! Fields of other systems, refused with the corresponding field of this filter.

use filter_core::misplaced::refuse;
use serde::Deserializer;

pub(super) fn in_a_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs in an entry of limits")
}

pub(super) fn in_the_service<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: it belongs in rateLimitService")
}

pub(super) fn no_stat_prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: metrics carry the name of the limit")
}

pub(super) fn enforced_instead<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: use enforced of a limit, or dryRun")
}

pub(super) fn limits_instead<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: use http with match, and limits with key")
}

pub(super) fn reply_instead<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: use reply of a limit")
}

pub(super) fn connection_instead<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: use key: [{connection: true}] of a limit")
}

pub(super) fn x_ratelimit_headers_instead<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: use xRatelimitHeaders: true")
}

pub(super) fn per_instead<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: write per, such as per: 60s")
}

pub(super) fn requests_instead<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "must not be given: write requests and per, such as requests: 100, per: 60s",
    )
}

pub(super) fn concurrent_instead<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: write concurrent, such as concurrent: 100")
}

pub(super) fn no_delay<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "must not be given: without wait no request is delayed; burst is one larger than in nginx",
    )
}

pub(super) fn failure_mode_instead<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: write failureMode: DENY in rateLimitService")
}

pub(super) fn window_instead<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: write window: SLIDING or window: FIXED")
}

pub(super) fn scope_instead<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: write scope: POD or scope: GLOBAL")
}

pub(super) fn wait_instead<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: write wait, such as wait: 500ms, to hold requests")
}

pub(super) fn key_instead<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: write key, such as key: [{useSourceIp: true}]")
}

pub(super) fn limit_reply_instead<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(), D::Error> {
    refuse(deserializer, "must not be given: write reply, such as reply: {httpStatus: 503}")
}
