//! Reads a request for the policy.

use std::net::SocketAddr;

use filter_core::{Headers, Request};
use filter_host::{
    Result,
    headers::{self, Map},
    property,
};

use crate::{HeaderNeeds, Needs};

/// Reads what the policy looks at, and nothing else.
pub(super) fn read(needs: &Needs) -> Result<Request> {
    let mut request = Request { headers: read_headers(&needs.headers)?, ..Request::default() };
    for name in &needs.others.attributes {
        let path: Vec<&str> = name.split('.').collect();
        request.attributes.extend(property::read(&path)?.map(|value| (name.clone(), value)));
    }
    if needs.others.source_address {
        let address = property::read(&["source", "address"])?;
        let text = address.and_then(|address| String::from_utf8(address).ok());
        let socket = text.and_then(|text| text.parse::<SocketAddr>().ok());
        request.source_address = socket.map(|socket| socket.ip());
    }
    if needs.others.source_principal {
        request.source_principal = property::read(&["connection", "uri_san_peer_certificate"])?;
    }
    Ok(request)
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
