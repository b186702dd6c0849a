//! The values of generated policies and requests, chosen so that they often match.

use filter_core::Generator;
use hyper::Method;
use serde_json::{Value, json};

use crate::{
    jwt_auth::AUDIENCE,
    shop::{
        Caller::{self, Client, Gateway, Plain},
        HOST,
    },
};

/// A generator of random choices.
pub(super) struct Random(Generator);

/// The parts of the mesh that values contain.
#[derive(Clone, Debug)]
pub(super) struct World {
    /// The issuer of the tokens.
    pub(super) issuer: String,
    /// The port of the server.
    pub(super) port: u16,
}

pub(super) const METHODS: [Method; 4] = [Method::GET, Method::POST, Method::DELETE, Method::PUT];
const PATHS: [&str; 9] =
    ["/", "/a", "/a/b", "/a/b/c", "/a/c", "/admin", "/admin/x", "/A", "/a?x=/admin"];
/// Paths that servers read in several ways.
const ODD_PATHS: [&str; 18] = [
    "/a%2fb",
    "/admin%2fx",
    "/a;x",
    "//a",
    "/a//b",
    "/a/./b",
    "/x/../a",
    "/%61dmin",
    "/admin/",
    "/a%5cb",
    "/a/../admin",
    "/admin;/x",
    "/admin//x",
    "/x/%2e%2e/admin",
    "/a/%2E/b",
    "/a?",
    "/%2561dmin",
    "/ADMIN",
];
const HOSTS: [&str; 3] = [HOST, HOST, "SERVER.shop.example.com"];
/// Hosts that only the gateway and the server's sidecar accept.
const OTHER_HOSTS: [&str; 3] =
    ["other.shop.example.com", "server.shop.example.com:80", "server.shop.example.com."];
/// Values of the header `x-user`.
const USERS: [&[&str]; 9] = [
    &[],
    &[],
    &["alice"],
    &["alice"],
    &["bob"],
    &["alice,bob"],
    &["alice", "bob"],
    &[""],
    &["alicé"],
];
/// Values of `x-forwarded-for`.
const FORWARDED: [&str; 5] = ["", "", "203.0.113.7", "198.51.100.7", "203.0.113.7, 198.51.100.7"];

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(Generator::new(seed))
    }

    /// Returns a number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let bits = self.0.bits() >> 33;
        usize::try_from(bits).unwrap_or(0).checked_rem(limit).unwrap_or(0)
    }

    /// Returns `true` in this percentage of calls.
    pub(super) fn percent(&mut self, percentage: usize) -> bool {
        self.below(100) < percentage
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).cloned()
    }

    /// Returns one to three values.
    fn some(&mut self, from: &[String]) -> Vec<String> {
        let count = self.below(3).saturating_add(1);
        (0..count).filter_map(|_| self.pick(from)).collect()
    }
}

/// The parts of a request that the values of a policy match.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) caller: Caller,
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) host: &'static str,
    pub(super) users: &'static [&'static str],
    pub(super) forwarded: &'static str,
    /// Index in [`tokens`].
    pub(super) token: Option<usize>,
}

impl Parts {
    pub(super) fn generate(random: &mut Random) -> Self {
        let odd = random.percent(15);
        let path = random.pick(if odd { &ODD_PATHS[..] } else { &PATHS[..] });
        let other = random.percent(25);
        let host = random.pick(if other { &OTHER_HOSTS[..] } else { &HOSTS[..] });
        let callers = if other { &[Gateway, Plain][..] } else { &[Gateway, Client, Client, Plain] };
        Self {
            caller: random.pick(callers).unwrap_or(Plain),
            method: random.pick(&METHODS).unwrap_or_default(),
            path: path.unwrap_or("/"),
            host: host.unwrap_or(HOST),
            users: random.pick(&USERS).unwrap_or_default(),
            forwarded: random.pick(&FORWARDED).unwrap_or_default(),
            token: random.percent(50).then(|| random.below(TOKENS)),
        }
    }

    pub(super) fn has_odd_path(&self) -> bool {
        ODD_PATHS.contains(&self.path)
    }

    pub(super) fn has_odd_host(&self) -> bool {
        self.host.ends_with('.') || self.host.contains(':')
    }

    /// Returns `true` if the server's sidecar takes the address from `x-forwarded-for`.
    pub(super) fn has_hidden_peer(&self) -> bool {
        self.caller == Gateway || !self.forwarded.is_empty()
    }
}

const TOKENS: usize = 4;

/// Returns the claims of the tokens, apart from those that every token has.
pub(super) fn tokens() -> [Value; TOKENS] {
    [
        json!({"sub": "alice", "groups": ["dev", "qa"], "azp": "app", "scope": "read write"}),
        json!({"sub": "bob", "groups": "ops", "level": 5, "org": {"unit": "a"}}),
        json!({"sub": "a/alice", "admin": true, "aud": [AUDIENCE, "other"], "level": "5"}),
        json!({"sub": "alice", "groups": [], "azp": "", "scope": "write", "org": {"unit": ["a"]}}),
    ]
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// Returns one to three values of a field of `source`.
pub(super) fn of_source(random: &mut Random, field: &str, world: &World) -> Vec<String> {
    let issuer = &world.issuer;
    let values = match field {
        "principals" => texts(&[
            "cluster.local/ns/istio-ingress/sa/gateway",
            "cluster.local/ns/shop/sa/client",
            "cluster.local/ns/shop/*",
            "*/sa/client",
            "*",
            "cluster.local/*",
            "*/sa/gatewa",
            "spiffe://cluster.local/ns/shop/sa/client",
            "*spiffe://cluster.local/ns/shop/sa/client",
        ]),
        "namespaces" => {
            texts(&["shop", "istio-ingress", "sho*", "*op", "*", "istio*", "s*p", "op"])
        }
        "serviceAccounts" => {
            texts(&["shop/client", "istio-ingress/gateway", "client", "shop/server", "gateway"])
        }
        "requestPrincipals" => [
            texts(&["*", "*/alice", "*/bob", "*lice", "http*", "alice", "*/a/alice"]),
            ["/alice", "/bob", "/*", "/al*", "*", "", "/a/alice", "/a/*"]
                .map(|rest| format!("{issuer}{rest}"))
                .to_vec(),
        ]
        .concat(),
        "ipBlocks" => texts(&["127.0.0.1", "127.0.0.0/8", "10.0.0.0/8", "192.0.2.0/24"]),
        _ => {
            texts(&["203.0.113.0/24", "127.0.0.0/8", "198.51.100.7", "0.0.0.0/0", "2001:db8::/32"])
        }
    };
    random.some(&values)
}

/// Returns one to three values of a field of `operation`.
pub(super) fn of_operation(random: &mut Random, field: &str, world: &World) -> Vec<String> {
    let values = match field {
        "hosts" => texts(&[
            HOST,
            "*.shop.example.com",
            "server.shop.*",
            "Server.SHOP.example.com",
            "*",
            "other.shop.example.com",
            "server.shop.example.com:80",
            "server.shop.example.com:*",
        ]),
        "methods" => texts(&["GET", "POST", "P*", "*", "DELETE", "*T", "get"]),
        "ports" => vec![world.port.to_string(), "80".to_owned()],
        _ => texts(&[
            "/a",
            "/a/*",
            "*/c",
            "/a/b/c",
            "*",
            "/admin",
            "/admin*",
            "/a/{*}/c",
            "/a/{**}",
            "/{**}",
            "/a/{*}",
            "/",
            "/A",
            "/admin/{**}",
            "/{*}/b",
        ]),
    };
    random.some(&values)
}

/// The attributes of generated conditions.
pub(super) const KEYS: [&str; 18] = [
    "request.headers[x-user]",
    "request.headers[X-User]",
    "request.headers[:authority]",
    "source.ip",
    "remote.ip",
    "source.namespace",
    "source.principal",
    "request.auth.principal",
    "request.auth.audiences",
    "request.auth.presenter",
    "request.auth.claims[groups]",
    "request.auth.claims[level]",
    "request.auth.claims[org][unit]",
    "request.auth.claims[scope]",
    "request.auth.claims[admin]",
    "destination.ip",
    "destination.port",
    "connection.sni",
];

/// Returns one to three values of an attribute.
pub(super) fn of_key(random: &mut Random, key: &str, world: &World) -> Vec<String> {
    let values = match key {
        "source.ip" => return of_source(random, "ipBlocks", world),
        "remote.ip" => return of_source(random, "remoteIpBlocks", world),
        "source.namespace" => return of_source(random, "namespaces", world),
        "source.principal" => return of_source(random, "principals", world),
        "request.auth.principal" => return of_source(random, "requestPrincipals", world),
        "destination.port" => return of_operation(random, "ports", world),
        "request.headers[:authority]" => texts(&[HOST, "*", "*.example.com", "server*"]),
        "request.auth.audiences" => texts(&[AUDIENCE, "other", "*", "o*", "*.com"]),
        "request.auth.presenter" => texts(&["app", "ap*", "*"]),
        "request.auth.claims[groups]" => texts(&["dev", "ops", "d*", "*", "*a"]),
        "request.auth.claims[level]" => texts(&["5", "*", "6"]),
        "request.auth.claims[org][unit]" => texts(&["a", "*", "b"]),
        "request.auth.claims[scope]" => texts(&["read", "read write", "*write", "write", "*"]),
        "request.auth.claims[admin]" => texts(&["true", "*"]),
        "destination.ip" => texts(&["127.0.0.1", "10.0.0.0/8", "127.0.0.0/8"]),
        "connection.sni" => texts(&["*server.shop.example.com", "outbound_*", "*", "server"]),
        _ => texts(&["alice", "al*", "*ce", "*", "bob", "alice,bob", "*bob", "*é"]),
    };
    random.some(&values)
}
