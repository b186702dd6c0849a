//! Reading the parts of a request that a policy needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use filter_core::{
    Headers, Needs, Request, parse_exact, protobuf::filter_metadata, source_address_warning,
};
use serde_json::Value;

use crate::{
    headers::{self, Map},
    host_error::{HostError, Result},
    property,
    published::Fact,
};

/// The filter of Envoy that RequestAuthentication configures.
const JWT_FILTER: &str = "envoy.filters.http.jwt_authn";
/// The member of its metadata with the claims of verified tokens, as istiod names it.
const JWT_PAYLOAD: &str = "payload";
/// The filter state of a waypoint with the identity of its peer.
const PEER_PRINCIPAL: &str = "io.istio.peer_principal";

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
    /// `true` in a waypoint of Istio.
    is_waypoint: bool,
}

impl RequestReader {
    /// Creates a reader, and logs a warning if a part in `needs` is unreliable in this proxy.
    #[must_use]
    pub fn new(needs: &Needs) -> Self {
        let node_id = node_id();
        if let Some(warning) = source_address_warning(needs, &node_id) {
            log::warn!("{warning}");
        }
        Self::quiet(needs, node_id.starts_with(b"waypoint~"))
    }

    /// Creates a reader of other parts, without a warning.
    #[must_use]
    pub fn with_needs(&self, needs: &Needs) -> Self {
        Self::quiet(needs, self.is_waypoint)
    }

    fn quiet(needs: &Needs, is_waypoint: bool) -> Self {
        let names = needs.headers.iter().map(|name| name.clone().into_bytes()).collect();
        Self { needs: needs.clone(), names, is_waypoint }
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
        with_attributes(headers, &self.needs, self.is_waypoint)
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
        with_attributes(Headers::default(), &self.needs, self.is_waypoint)
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
fn with_attributes(headers: Headers, needs: &Needs, is_waypoint: bool) -> Result<Request> {
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
        if needs.istio_identity && request.source_principal.is_none() && is_waypoint {
            request.source_principal = property::read(&["filter_state", PEER_PRINCIPAL])?;
        }
    }
    if needs.claims || needs.typed_claims {
        read_claims(&mut request, needs)?;
    }
    if !needs.metadata.is_empty() {
        request.metadata = metadata(&needs.metadata)?;
    }
    Ok(request)
}

/// Reads the client's address, as determined by the HTTP connection manager, without its port.
fn source_address() -> Result<Option<IpAddr>> {
    let text = property::read(&["source", "address"])?;
    let text = text.and_then(|text| String::from_utf8(text).ok());
    Ok(text.and_then(|text| text.parse::<SocketAddr>().ok()).map(|socket| socket.ip()))
}

/// Reads the claims that jwt-auth verified, or else those that RequestAuthentication did, if the
/// needs include them. There are none if jwt-auth does not share them.
///
/// # Errors
///
/// Also if the claims cannot be parsed: they may not count as absent.
fn read_claims(request: &mut Request, needs: &Needs) -> Result<()> {
    let take = |mut value: Value, name: &str| value.get_mut(name).map(Value::take);
    match property::read(&[Fact::Identity.property()])? {
        Some(identity) => {
            if needs.claims {
                let exact = parse_exact(&identity).ok_or(HostError::ParseFailure)?;
                request.claims = take(exact, "claims");
            }
            if needs.typed_claims {
                let typed = serde_json::from_slice(&identity);
                request.typed_claims = take(typed.map_err(|_| HostError::ParseFailure)?, "claims");
            }
        }
        None if needs.istio_identity => {
            let mut written = metadata(&BTreeSet::from([JWT_FILTER.to_owned()]))?;
            let payload = written.remove(JWT_FILTER).and_then(|written| take(written, JWT_PAYLOAD));
            request.claims.clone_from(&payload);
            request.typed_claims = payload;
        }
        None => {}
    }
    Ok(())
}

/// Reads the dynamic metadata of filters; those that have written nothing are left out.
fn metadata(filters: &BTreeSet<String>) -> Result<BTreeMap<String, Value>> {
    // As a message, because the encoding of a single value does not have its type.
    let Some(message) = property::read(&["metadata"])? else { return Ok(BTreeMap::new()) };
    let mut written = BTreeMap::new();
    for filter in filters {
        let found = filter_metadata(&message, filter).map_err(|_| HostError::ParseFailure)?;
        written.extend(found.map(|value| (filter.clone(), value)));
    }
    Ok(written)
}
