//! Replies to denied requests.

use filter_core::Headers;
use filter_host::{
    Result,
    headers::{self, Map},
    reply,
};

use crate::{Decision, Policies};

/// The headers that decide about the format of a reply.
const FORMAT_HEADERS: [&str; 3] = [":method", "accept", "content-type"];

/// Sends the reply to the current request, which is denied.
pub(super) fn send(policies: &Policies, decision: &Decision) -> Result<()> {
    let format = FORMAT_HEADERS.iter().filter_map(|name| {
        let value = headers::value(Map::RequestHeaders, name).ok().flatten();
        value.map(|value| (*name, value))
    });
    let format: Headers = format.collect();
    reply::try_send(&policies.reply(decision, &format))
}
