//! Reading the parts of a request that a policy needs.

use std::net::{IpAddr, SocketAddr};

use filter_core::{Headers, Needs, Request, parse_exact, source_address_warning};

use crate::{
    headers::{self, Map},
    hostcalls::Result,
    property,
};

/// Maximum number of headers that are read individually.
const MAX_ASKED: usize = 4;

/// Property with the identity verified by jwt-auth.
const IDENTITY: &str = "weir.jwt";

/// A reader of the parts listed in [`Needs`](filter_core::Needs), with all values of each header.
///
/// The whole header map is read in one call, which costs about as much as one header.
#[derive(Clone, Debug)]
pub struct Reader {
    needs: Needs,
    /// Names of the headers, for fast iteration.
    names: Vec<Vec<u8>>,
}

impl Reader {
    /// Creates a reader of `needs`; logs a warning if one of them is unreliable in this proxy.
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
    /// Fails if a host call does; absent values are not an error.
    pub fn read(&self) -> Result<Request> {
        let wanted = |name: &[u8]| self.names.iter().any(|wanted| wanted == name);
        let headers = match self.names.is_empty() {
            true => Headers::default(),
            false => headers::named(Map::RequestHeaders, wanted)?,
        };
        with_attributes(headers, &self.needs)
    }

    /// Reads the current request, at lower cost if it has none of the headers.
    ///
    /// Reading one absent header costs an eighth of reading all headers.
    ///
    /// # Errors
    ///
    /// Fails like [`Reader::read`].
    pub fn read_if_any(&self) -> Result<Request> {
        let names = &self.needs.headers;
        if names.is_empty()
            || names.len() > MAX_ASKED
            || names.iter().any(|name| name.starts_with(':'))
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

/// Reads the other parts in `needs` and combines them with `headers`.
///
/// # Errors
///
/// Fails like [`Reader::read`].
pub fn with_attributes(headers: Headers, needs: &Needs) -> Result<Request> {
    let mut request = Request { headers, ..Request::default() };
    for name in &needs.attributes {
        // A property written by a Weir filter has one name that contains a dot.
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

/// Reads the client address determined by the connection manager, without its port.
fn source_address() -> Result<Option<IpAddr>> {
    let text = property::read(&["source", "address"])?;
    let text = text.and_then(|text| String::from_utf8(text).ok());
    Ok(text.and_then(|text| text.parse::<SocketAddr>().ok()).map(|socket| socket.ip()))
}

/// Reads the claims verified by jwt-auth; `None` if there are none or they are not shared.
fn claims() -> Result<Option<serde_json::Value>> {
    let identity = property::read(&[IDENTITY])?;
    let identity = identity.and_then(|json| parse_exact(&json));
    Ok(identity.and_then(|mut identity: serde_json::Value| {
        identity.get_mut("claims").map(serde_json::Value::take)
    }))
}
