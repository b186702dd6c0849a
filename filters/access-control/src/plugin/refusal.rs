//! Replies to denied requests.

use filter_core::HeaderName;
use filter_host::{Result, reply};

use crate::{Decision, EXPLAIN, Policies};

/// Replies to the current request, with an explanation if the client may have one.
pub(super) fn send(
    policies: &Policies,
    decision: &Decision,
    explanation: Option<String>,
) -> Result<()> {
    let mut reply = policies.reply(decision, &reply::format_headers());
    let header = explanation.map(|text| (HeaderName::from_static(EXPLAIN), text.into_bytes()));
    reply.headers.extend(header);
    reply::try_send(&reply)
}
