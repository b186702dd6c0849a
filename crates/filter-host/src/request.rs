//! Reading the parts of a request that a policy needs.

use std::net::{IpAddr, SocketAddr};

use filter_core::{Headers, Needs, Request, parse_exact, source_address_warning};

use crate::{
    headers::{self, Map},
    host_error::Result,
    property,
    published::Fact,
};

/// Maximum number of headers that are read one by one.
const MAX_SINGLE_READS: usize = 4;

/// Reads the parts of a request in its [`Needs`], with all values of each header.
///
/// Copies the whole header map in one host call, which costs about as much as reading one header.
#[derive(Clone, Debug)]
pub struct RequestReader {
    needs: Needs,
    /// Names of the headers, as a list that is fast to search.
    names: Vec<Vec<u8>>,
}

impl RequestReader {
    /// Creates a reader, and logs a warning if a part in `needs` is unreliable in this proxy.
    #[must_use]
    pub fn new(needs: &Needs) -> Self {
        if let Some(warning) = source_address_warning(needs, &node_id()) {
            log::warn!("{warning}");
        }
        Self::quiet(needs)
    }

    /// Creates a reader of other parts, without a warning.
    #[must_use]
    pub fn with_needs(&self, needs: &Needs) -> Self {
        Self::quiet(needs)
    }

    fn quiet(needs: &Needs) -> Self {
        let names = needs.headers.iter().map(|name| name.clone().into_bytes()).collect();
        Self { needs: needs.clone(), names }
    }

    /// Reads the current request.
    ///
    /// # Errors
    ///
    /// Fails if the proxy cannot encode a part; absent parts are not an error.
    pub fn read(&self) -> Result<Request> {
        let wanted = |name: &[u8]| self.names.iter().any(|wanted| wanted == name);
        let headers = match self.names.is_empty() {
            true => Headers::default(),
            false => headers::named(Map::RequestHeaders, wanted)?,
        };
        with_attributes(headers, &self.needs)
    }

    /// Like [`RequestReader::read`], but faster for requests without any of the headers.
    ///
    /// Reading an absent header costs an eighth of reading all headers.
    ///
    /// # Errors
    ///
    /// Fails as [`RequestReader::read`] does.
    pub fn read_if_any(&self) -> Result<Request> {
        let names = &self.needs.headers;
        let has_pseudo_headers = names.iter().any(|name| name.starts_with(':'));
        if names.is_empty() || names.len() > MAX_SINGLE_READS || has_pseudo_headers {
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

/// Returns `true` if the proxy is a sidecar of Istio.
#[must_use]
pub fn is_sidecar() -> bool {
    node_id().starts_with(b"sidecar~")
}

/// Reads the id of the node; empty if it is unknown.
fn node_id() -> Vec<u8> {
    property::read(&["xds", "node", "id"]).ok().flatten().unwrap_or_default()
}

/// Reads all parts in `needs` except the headers, which are already read.
///
/// # Errors
///
/// Fails as [`RequestReader::read`] does.
pub fn with_attributes(headers: Headers, needs: &Needs) -> Result<Request> {
    let mut request = Request { headers, ..Request::default() };
    for name in &needs.attributes {
        // Properties of Weir filters have a single name that contains a dot.
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
        request.claims = claims(needs.claim_numbers)?;
    }
    Ok(request)
}

/// Reads the client's address, as determined by the HTTP connection manager, without its port.
fn source_address() -> Result<Option<IpAddr>> {
    let text = property::read(&["source", "address"])?;
    let text = text.and_then(|text| String::from_utf8(text).ok());
    Ok(text.and_then(|text| text.parse::<SocketAddr>().ok()).map(|socket| socket.ip()))
}

/// Reads the claims that jwt-auth verified; `None` if it did not verify or does not share them.
fn claims(keep_numbers: bool) -> Result<Option<serde_json::Value>> {
    let identity = property::read(&[Fact::Identity.property()])?;
    let parse = |json: &[u8]| {
        // A number may be too large for its type, but not for its text.
        let parsed = keep_numbers.then(|| serde_json::from_slice(json).ok()).flatten();
        parsed.or_else(|| parse_exact(json))
    };
    let identity = identity.and_then(|json| parse(&json));
    Ok(identity.and_then(|mut identity: serde_json::Value| {
        identity.get_mut("claims").map(serde_json::Value::take)
    }))
}
