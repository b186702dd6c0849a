//! An issuer of tokens that publishes its keys.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use hyper::{Request, Response, body::Bytes, header::HeaderName, header::HeaderValue};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::{
    keys::{Keys, base64url},
    ports,
    server::{Body, Server, full},
};

/// Path of the key set.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";
/// Path of the OpenID Connect discovery document.
pub const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";

/// Path of an empty deny list of tokens.
pub const DENY_LIST_PATH: &str = "/revoked.json";

/// The behaviour of the key server.
///
/// A request whose `if-none-match` is the `etag` of [`IdentityProvider::set_response_headers`] gets
/// 304.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// It responds with the documents.
    #[default]
    Healthy,
    /// It responds with this status and an empty body.
    Status(u16),
    /// It responds with text that is not JSON.
    Garbage,
    /// It responds with a key set without keys.
    Empty,
    /// It responds with a JSON document of about this many bytes.
    Huge(usize),
    /// It responds with the documents after this time.
    Slow(Duration),
}

/// An identity provider with one key of each kind.
#[derive(Debug)]
pub struct IdentityProvider {
    server: Server,
    keys: &'static Keys,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    behaviour: Behaviour,
    headers: Vec<(String, String)>,
    required_headers: Vec<(String, String)>,
    jwks: Option<Value>,
    issuer: Option<String>,
    jwks_requests: usize,
    discovery_requests: usize,
}

impl IdentityProvider {
    /// Starts the provider on a free port, with the keys of this run.
    ///
    /// # Errors
    /// If keys cannot be generated, the port cannot be bound or the thread cannot be started.
    pub fn start() -> Result<Self> {
        Self::start_on(ports::listen(0)?)
    }

    /// Starts the provider on `listener`, with the keys of this run.
    ///
    /// # Errors
    /// If keys cannot be generated or the thread cannot be started.
    pub fn start_on(listener: TcpListener) -> Result<Self> {
        let keys = Keys::shared()?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = Server::start(listener, move |request| {
            respond(request, keys.jwks(), issuer.clone(), Arc::clone(&shared))
        })?;
        Ok(Self { server, keys, state })
    }

    /// Returns the address of the provider.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the issuer (`iss`), which is the base URL of the documents.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Returns the signing keys.
    pub fn keys(&self) -> &'static Keys {
        self.keys
    }

    /// Returns claims of a token valid for five minutes: `iss`, `sub`, `aud`, `iat`, `exp`.
    pub fn claims(&self) -> Value {
        let now = now();
        json!({
            "iss": self.issuer(), "sub": "alice", "aud": "orders.example.com",
            "iat": now, "exp": now.saturating_add(300),
        })
    }

    /// Returns a token with these claims.
    ///
    /// # Errors
    /// If signing fails.
    pub fn token(&self, algorithm: Algorithm, claims: &Value) -> Result<String> {
        let header = json!({"alg": algorithm, "typ": "JWT", "kid": self.keys.kid(algorithm)});
        self.token_of(algorithm, &header.to_string(), &claims.to_string())
    }

    /// Signs a header and a payload, valid or not.
    ///
    /// # Errors
    /// If signing fails.
    pub fn token_of(&self, algorithm: Algorithm, header: &str, payload: &str) -> Result<String> {
        let message = format!("{}.{}", base64url(header), base64url(payload));
        let signature = self.keys.sign(algorithm, message.as_bytes())?;
        Ok(format!("{message}.{signature}"))
    }

    /// Changes the behaviour of the key server.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.state().behaviour = behaviour;
    }

    /// Replaces the published key set.
    pub fn publish(&self, jwks: Value) {
        self.state().jwks = Some(jwks);
    }

    /// Sets headers, such as `cache-control`, that are added to every response.
    pub fn set_response_headers(&self, headers: &[(&str, &str)]) {
        let owned = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        self.state().headers = owned.collect();
    }

    /// Requires that each of these headers contains the given text. Other requests get 406.
    pub fn require_headers(&self, headers: &[(&str, &str)]) {
        let owned = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        self.state().required_headers = owned.collect();
    }

    /// Replaces the issuer in the discovery document.
    pub fn set_discovery_issuer(&self, issuer: &str) {
        self.state().issuer = Some(issuer.to_owned());
    }

    /// Returns the number of requests for the key set.
    pub fn jwks_requests(&self) -> usize {
        self.state().jwks_requests
    }

    /// Returns the number of requests for the discovery document.
    pub fn discovery_requests(&self) -> usize {
        self.state().discovery_requests
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the seconds since the Unix epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|age| age.as_secs()).unwrap_or_default()
}

async fn respond(
    request: Request<Bytes>,
    keys: Value,
    issuer: String,
    state: Arc<Mutex<State>>,
) -> Response<Body> {
    let (document, behaviour, headers) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let document = match request.uri().path() {
            JWKS_PATH => {
                state.jwks_requests = state.jwks_requests.saturating_add(1);
                Some(state.jwks.clone().unwrap_or(keys))
            }
            DISCOVERY_PATH => {
                state.discovery_requests = state.discovery_requests.saturating_add(1);
                let issuer = state.issuer.clone().unwrap_or(issuer);
                Some(json!({"issuer": issuer, "jwks_uri": format!("{issuer}{JWKS_PATH}")}))
            }
            DENY_LIST_PATH => Some(json!({"jti": []})),
            _ => None,
        };
        let is_complete =
            state.required_headers.iter().all(|(name, text)| has_header(&request, name, text));
        let behaviour = if is_complete { state.behaviour.clone() } else { Behaviour::Status(406) };
        (document, behaviour, state.headers.clone())
    };
    if let Behaviour::Slow(delay) = behaviour {
        tokio::time::sleep(delay).await;
    }
    let etag = headers.iter().find(|(name, _)| name == "etag").map(|(_, etag)| etag.as_bytes());
    let known = request.headers().get("if-none-match").map(HeaderValue::as_bytes);
    let behaviour =
        if etag.is_some() && etag == known { Behaviour::Status(304) } else { behaviour };
    let mut response = reply(document, &behaviour);
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Returns `true` if a value of the header `name` contains `text`.
fn has_header(request: &Request<Bytes>, name: &str, text: &str) -> bool {
    let mut values = request.headers().get_all(name).iter();
    values.any(|value| value.to_str().is_ok_and(|value| value.contains(text)))
}

fn reply(document: Option<Value>, behaviour: &Behaviour) -> Response<Body> {
    let (status, text) = match (document, behaviour) {
        (None, _) => (404, String::new()),
        (_, Behaviour::Status(status)) => (*status, String::new()),
        (_, Behaviour::Garbage) => (200, "<html>not a key set</html>".to_owned()),
        (_, Behaviour::Empty) => (200, json!({"keys": []}).to_string()),
        (_, Behaviour::Huge(length)) => (200, json!({"padding": " ".repeat(*length)}).to_string()),
        (Some(document), _) => (200, document.to_string()),
    };
    let mut response = Response::new(full(text));
    *response.status_mut() = status.try_into().unwrap_or_default();
    response
}
