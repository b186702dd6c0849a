//! The demo of `make run`: Envoy with the suite, an application and an identity provider.
//!
//! Sends a few example requests, prints each as a curl command with its response, and then runs
//! until Ctrl-C. `WEIR_PORT` replaces port 10000.

use std::{
    env,
    io::{Write, stdout},
};

use anyhow::{Context, Result, ensure};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    identity_provider::{IdentityProvider, now},
    ports, repository,
    upstream::Upstream,
};
use tokio::{
    runtime::{self, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};

/// Environment variable that replaces [`PORT`].
const PORT_VARIABLE: &str = "WEIR_PORT";
/// Default port of Envoy's listener.
const PORT: u16 = 10_000;

/// An example request.
struct Example {
    title: &'static str,
    path: &'static str,
    /// Shell variable with the token. `None` sends no token.
    token: Option<&'static str>,
    headers: &'static [(&'static str, &'static str)],
    /// The expected status.
    status: u16,
}

/// Header of requests that fault-injection aborts in this demo.
const FAULT: &str = "x-fault";

/// A path that no rule protects.
const ORDERS: &str = "/orders";

const EXAMPLES: [Example; 10] = [
    Example {
        title: "No token: passes as an anonymous request",
        path: ORDERS,
        token: None,
        headers: &[],
        status: 200,
    },
    Example {
        title: "No token and a forged x-user header: passes, but the header is removed",
        path: ORDERS,
        token: None,
        headers: &[("x-user", "root")],
        status: 200,
    },
    Example {
        title: "A valid token: the application receives x-user instead of the token",
        path: ORDERS,
        token: Some("GOOD"),
        headers: &[],
        status: 200,
    },
    Example {
        title: "An expired token: denied",
        path: ORDERS,
        token: Some("EXPIRED"),
        headers: &[],
        status: 401,
    },
    Example {
        title: "A token for another audience: denied",
        path: ORDERS,
        token: Some("ELSEWHERE"),
        headers: &[],
        status: 403,
    },
    Example {
        title: "A token whose claims were changed: denied",
        path: ORDERS,
        token: Some("FORGED"),
        headers: &[],
        status: 401,
    },
    Example {
        title: "A premium user: the application receives x-weir-tag, which a route can match",
        path: ORDERS,
        token: None,
        headers: &[("x-user-type", "premium")],
        status: 200,
    },
    Example {
        title: "A request for a fault: aborted",
        path: ORDERS,
        token: None,
        headers: &[(FAULT, "abort")],
        status: 503,
    },
    Example {
        title: "A path that access-control allows to administrators only: denied",
        path: "/admin/users",
        token: Some("GOOD"),
        headers: &[],
        status: 403,
    },
    Example {
        title: "A path that access-control hides: denied as if it did not exist",
        path: "/internal/metrics",
        token: None,
        headers: &[],
        status: 404,
    },
];

fn main() -> Result<()> {
    let port = match env::var(PORT_VARIABLE) {
        Ok(text) => {
            text.parse().with_context(|| format!("{PORT_VARIABLE} must be a port, got {text:?}"))?
        }
        Err(_) => PORT,
    };
    ensure!(
        ports::listen(port).is_ok(),
        "port {port} on 127.0.0.1 is in use: free it, or set {PORT_VARIABLE} to another port"
    );
    // From here on Ctrl-C shuts down the servers as well.
    let shutdown = Shutdown::new()?;
    let app = Upstream::start()?;
    let issuer = IdentityProvider::start()?;
    let filters = vec![suite(&issuer)?];
    let keys = Some(issuer.address());
    let envoy =
        Envoy::start(EnvoyOptions { port, keys, ..EnvoyOptions::new(app.address(), filters) })?;
    let tokens = tokens(&issuer)?;
    stdout().write_all(guide(&envoy, &app, &issuer, &tokens)?.as_bytes())?;
    shutdown.wait();
    stdout().write_all(b"\nStopping Envoy, the application and the identity provider.\n")?;
    Ok(())
}

/// Returns the suite as shipped, except that jwt-auth trusts the issuer of this run and
/// fault-injection aborts requests with the header [`FAULT`].
fn suite(issuer: &IdentityProvider) -> Result<Filter> {
    let mut config = repository::plugin_config("envoy/suite.yaml")?;
    let rule = config.pointer_mut("/jwt-auth/jwtRules/0").and_then(Value::as_object_mut);
    let rule = rule.context("the sample has no jwtRules")?;
    rule.insert("issuer".to_owned(), json!(issuer.issuer()));
    rule.insert("jwks".to_owned(), json!(issuer.keys().jwks().to_string()));
    let faults = config.pointer_mut("/fault-injection/http").and_then(Value::as_array_mut);
    faults.context("the sample has no faults")?.push(json!({
        "name": "demo",
        "match": [{"headers": {FAULT: {"exact": "abort"}}}],
        "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 503}},
    }));
    Ok(Filter::new(repository::SUITE, config))
}

/// Returns the tokens with the names of their shell variables.
fn tokens(issuer: &IdentityProvider) -> Result<[(&'static str, String); 4]> {
    let claims = |changes: Value| {
        let mut claims = issuer.claims();
        if let (Some(claims), Value::Object(mut changes)) = (claims.as_object_mut(), changes) {
            claims.insert("exp".to_owned(), json!(now().saturating_add(24 * 3600)));
            claims.append(&mut changes);
        }
        claims
    };
    let sign = |changes| issuer.token(Algorithm::EdDSA, &claims(changes));
    let good = sign(json!({}))?;
    let other = sign(json!({"sub": "mallory"}))?;
    let message = other.rsplit_once('.').map_or("", |(message, _)| message);
    let signature = good.rsplit_once('.').map_or("", |(_, signature)| signature);
    let forged = format!("{message}.{signature}");
    Ok([
        ("GOOD", good),
        ("EXPIRED", sign(json!({"exp": now().saturating_sub(3600)}))?),
        ("ELSEWHERE", sign(json!({"aud": "billing.example.com"}))?),
        ("FORGED", forged),
    ])
}

/// Sends the examples and returns the printed guide.
fn guide(
    envoy: &Envoy,
    app: &Upstream,
    issuer: &IdentityProvider,
    tokens: &[(&str, String)],
) -> Result<String> {
    let mut lines = vec![
        format!(
            "Envoy listens on {}; its admin interface is on {}.",
            envoy.address(),
            envoy.admin_address()
        ),
        format!(
            "The application listens on {}; the identity provider is {}.",
            app.address(),
            issuer.issuer()
        ),
        "First paste these tokens into a shell. They are valid for one day, except EXPIRED."
            .to_owned(),
        String::new(),
    ];
    lines.extend(tokens.iter().map(|(name, token)| format!("{name}='{token}'")));
    for example in &EXAMPLES {
        let mut request = Request::get(example.path).authority(&envoy.address().to_string());
        let mut curl = format!("curl -i http://{}{}", envoy.address(), example.path);
        for (name, value) in example.headers {
            request = request.header(name, value);
            curl.push_str(&format!(" -H '{name}: {value}'"));
        }
        if let Some(variable) = example.token {
            let token = tokens.iter().find(|(name, _)| *name == variable);
            request = request.bearer(token.map_or("", |(_, token)| token));
            curl.push_str(&format!(" -H \"authorization: Bearer ${variable}\""));
        }
        let response = envoy.http1().send(request)?;
        ensure!(
            response.status == example.status,
            "{}: expected status {}, got {}: {}",
            example.title,
            example.status,
            response.status,
            response.text()
        );
        lines.extend([String::new(), format!("# {}.", example.title), curl]);
        lines.push(format!("# -> {} {}", response.status, response.text()));
    }
    lines.extend([
        String::new(),
        "# The metrics of all filters.".to_owned(),
        format!("curl 'http://{}/stats/prometheus?filter=weir'", envoy.admin_address()),
    ]);
    lines.push("\nFor HTTP/2, add --http2-prior-knowledge. Ctrl-C stops everything.\n".to_owned());
    Ok(lines.join("\n"))
}

/// A handler of SIGINT and SIGTERM, active from its creation.
struct Shutdown {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
}

impl Shutdown {
    fn new() -> Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (interrupt, terminate) = {
            let _context = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        Ok(Self { runtime, interrupt, terminate })
    }

    fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
        });
    }
}
