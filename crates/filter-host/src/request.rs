//! Reading what a policy wants to know of a request.

use std::net::{IpAddr, SocketAddr};

use filter_core::{Headers, Needs, Request, parse_exact, source_address_warning};

use crate::{
    headers::{self, Map},
    hostcalls::Result,
    property,
};

/// So many headers are asked for one by one.
const MAX_ASKED: usize = 4;

/// The property under which jwt-auth leaves the verified identity.
const IDENTITY: &str = "weir.jwt";

/// Reads the same of every request: what needs name and nothing else, of each header every value.
///
/// The whole header map comes over in one call, which costs about as much as one header.
#[derive(Clone, Debug)]
pub struct RequestReader {
    needs: Needs,
    /// The names of the headers, in a form that is quick to walk.
    names: Vec<Vec<u8>>,
}

impl RequestReader {
    /// Prepares to read the values in `needs`, and logs a warning if one of them is unreliable in
    /// this proxy.
    #[must_use]
    pub fn new(needs: &Needs) -> Self {
        let node_id = property::read(&["xds", "node", "id"]).ok().flatten().unwrap_or_default();
        if let Some(warning) = source_address_warning(needs, &node_id) {
            log::warn!("{warning}");
        }
        let names = needs.headers.iter().map(|name| name.clone().into_bytes()).collect();
        Self { needs: needs.clone(), names }
    }

    /// Reads the current request.
    ///
    /// # Errors
    ///
    /// Fails when the proxy cannot hand something over; what is absent is no error.
    pub fn read(&self) -> Result<Request> {
        let wanted = |name: &[u8]| self.names.iter().any(|wanted| wanted == name);
        let headers = match self.names.is_empty() {
            true => Headers::default(),
            false => headers::named(Map::RequestHeaders, wanted)?,
        };
        with_attributes(headers, &self.needs)
    }

    /// Reads the current request, for less where it has none of the headers.
    ///
    /// Asking for a header that is absent costs an eighth of reading them all.
    ///
    /// # Errors
    ///
    /// Fails as [`RequestReader::read`] does.
    pub fn read_if_any(&self) -> Result<Request> {
        let names = &self.needs.headers;
        if names.is_empty() || names.len() > MAX_ASKED || names.iter().any(|it| it.starts_with(':'))
        {
            return self.read();
        }
        for name in names {
            if headers::value(Map::RequestHeaders, name)?.is_some() {
                return self.read();
            }
        }
        with_attributes(Headers::default(), &self.needs)
    }
}

/// Adds to `headers`, which were read already, whatever else `needs` names.
///
/// # Errors
///
/// Fails as [`RequestReader::read`] does.
pub fn with_attributes(headers: Headers, needs: &Needs) -> Result<Request> {
    let mut request = Request { headers, ..Request::default() };
    for name in &needs.attributes {
        // What a Weir filter left behind has one name with a dot in it, and no parts.
        let is_ours = name.starts_with("weir.");
        let path: Vec<&str> = if is_ours { vec![name] } else { name.split('.').collect() };
        request.attributes.extend(property::read(&path)?.map(|value| (name.clone(), value)));
    }
    if needs.source_address {
        request.source_address = source_address()?;
    }
    if needs.source_principal {
        request.source_principal = property::read(&["connection", "uri_san_peer_certificate"])?;
    }
    if needs.claims {
        request.claims = claims()?;
    }
    Ok(request)
}

/// Reads the client's address as the connection manager decided it, without its port.
fn source_address() -> Result<Option<IpAddr>> {
    let text = property::read(&["source", "address"])?;
    let text = text.and_then(|text| String::from_utf8(text).ok());
    Ok(text.and_then(|text| text.parse::<SocketAddr>().ok()).map(|socket| socket.ip()))
}

/// Reads the claims that jwt-auth verified; `None` where it did not, or keeps them back.
fn claims() -> Result<Option<serde_json::Value>> {
    let identity = property::read(&[IDENTITY])?;
    let identity = identity.and_then(|json| parse_exact(&json));
    Ok(identity.and_then(|mut identity: serde_json::Value| {
        identity.get_mut("claims").map(serde_json::Value::take)
    }))
}
