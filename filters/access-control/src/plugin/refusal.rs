//! Replies to denied requests.

use filter_core::{HeaderName, Headers};
use filter_host::{
    Result,
    headers::{self, Map},
    reply,
};

use crate::{Decision, EXPLAIN, Policies};

/// The headers that determine the format of a reply.
const FORMAT_HEADERS: [&str; 3] = [":method", "accept", "content-type"];

/// Replies to the current request, with an explanation if the client may have one.
pub(super) fn send(
    policies: &Policies,
    decision: &Decision,
    explanation: Option<String>,
) -> Result<()> {
    let format = FORMAT_HEADERS.iter().filter_map(|name| {
        let value = headers::value(Map::RequestHeaders, name).ok().flatten();
        value.map(|value| (*name, value))
    });
    let format: Headers = format.collect();
    let mut reply = policies.reply(decision, &format);
    let header = explanation.map(|text| (HeaderName::from_static(EXPLAIN), text.into_bytes()));
    reply.headers.extend(header);
    reply::try_send(&reply)
}
