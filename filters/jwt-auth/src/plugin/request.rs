//! Reads a request for the policy.

use filter_core::{Headers, Request};
use filter_host::{
    Result,
    headers::{self, Map},
    request,
};

use crate::{HeaderNeeds, Needs};

/// Reads what the policy looks at, and nothing else.
pub(super) fn read(needs: &Needs) -> Result<Request> {
    request::with_attributes(read_headers(&needs.headers)?, &needs.others)
}

fn read_headers(needs: &HeaderNeeds) -> Result<Headers> {
    let HeaderNeeds::Named(names) = needs else { return headers::all(Map::RequestHeaders) };
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        if let Some(value) = headers::value(Map::RequestHeaders, name)? {
            found.push((name.clone().into_bytes(), value));
        }
    }
    Ok(found.into_iter().collect())
}
