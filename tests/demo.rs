//! What `make run` starts: Envoy with every filter, an application, an identity provider.
//!
//! Prints requests to try, each with the answer that it has just had, and runs until Ctrl-C.
//! `WEIR_PORT` replaces port 10000.

use std::{
    env,
    io::{Write, stdout},
};

use anyhow::{Context, Result, ensure};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::{Filter, Setup},
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

/// The environment variable that replaces [`PORT`].
const PORT_VARIABLE: &str = "WEIR_PORT";
/// Where requests come in.
const PORT: u16 = 10_000;

/// A request to try.
struct Example {
    about: &'static str,
    /// The shell variable that holds the token.
    token: Option<&'static str>,
    headers: &'static [(&'static str, &'static str)],
    status: u16,
}

const EXAMPLES: [Example; 6] = [
    Example { about: "No token: passes, as nobody", token: None, headers: &[], status: 200 },
    Example {
        about: "No token and a forged identity: passes, without that header",
        token: None,
        headers: &[("x-user", "root")],
        status: 200,
    },
    Example {
        about: "A good token: the application sees x-user, and no token",
        token: Some("GOOD"),
        headers: &[],
        status: 200,
    },
    Example { about: "An expired token", token: Some("EXPIRED"), headers: &[], status: 401 },
    Example {
        about: "A token for somebody else",
        token: Some("ELSEWHERE"),
        headers: &[],
        status: 403,
    },
    Example { about: "A token that was changed", token: Some("FORGED"), headers: &[], status: 401 },
];

fn main() -> Result<()> {
    let port = match env::var(PORT_VARIABLE) {
        Ok(text) => text.parse().with_context(|| format!("{PORT_VARIABLE} is no port: {text}"))?,
        Err(_) => PORT,
    };
    ensure!(
        ports::listen(port).is_ok(),
        "port {port} on 127.0.0.1 is taken: stop what listens there, or set {PORT_VARIABLE}"
    );
    // From here on Ctrl-C ends the servers too.
    let ending = Ending::new()?;
    let app = Upstream::start()?;
    let issuer = IdentityProvider::start()?;
    let filters = repository::filters()?;
    let filters = filters.iter().map(|name| filter(name, &issuer)).collect::<Result<_>>()?;
    let keys = Some(issuer.address());
    let envoy = Envoy::start(Setup { port, keys, ..Setup::new(app.address(), filters) })?;
    let tokens = tokens(&issuer)?;
    stdout().write_all(guide(&envoy, &app, &issuer, &tokens)?.as_bytes())?;
    ending.wait();
    stdout().write_all(b"\nEnding Envoy, the application and the identity provider.\n")?;
    Ok(())
}

/// The filter as shipped, trusting this run's issuer where it trusts one.
fn filter(name: &str, issuer: &IdentityProvider) -> Result<Filter> {
    if name != "jwt-auth" {
        return Ok(Filter::shipped(name));
    }
    let mut config = repository::plugin_config(&format!("envoy/{name}.yaml"))?;
    let rule = config.pointer_mut("/jwtRules/0").and_then(Value::as_object_mut);
    let rule = rule.context("the sample has no rule")?;
    rule.insert("issuer".to_owned(), json!(issuer.issuer()));
    rule.insert("jwks".to_owned(), json!(issuer.keys().jwks().to_string()));
    Ok(Filter::new(name, config))
}

/// The tokens by their shell variables.
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

/// What to try, with the answers that Envoy gives now.
fn guide(
    envoy: &Envoy,
    app: &Upstream,
    issuer: &IdentityProvider,
    tokens: &[(&str, String)],
) -> Result<String> {
    let url = format!("http://{}/orders", envoy.address());
    let mut lines = vec![
        format!(
            "Envoy listens on {}, its admin interface on {}.",
            envoy.address(),
            envoy.admin_address()
        ),
        format!("The application is {}, the identity provider {}.", app.address(), issuer.issuer()),
        "Paste the tokens into a shell first; they are good for a day.".to_owned(),
        String::new(),
    ];
    lines.extend(tokens.iter().map(|(name, token)| format!("{name}='{token}'")));
    for example in &EXAMPLES {
        let mut request = Request::get("/orders").authority(&envoy.address().to_string());
        let mut curl = format!("curl -i {url}");
        for (name, value) in example.headers {
            request = request.header(name, value);
            curl.push_str(&format!(" -H '{name}: {value}'"));
        }
        if let Some(variable) = example.token {
            let token = tokens.iter().find(|(name, _)| *name == variable);
            request = request.bearer(token.map_or("", |(_, token)| token));
            curl.push_str(&format!(" -H \"authorization: Bearer ${variable}\""));
        }
        let answer = envoy.http1().send(request)?;
        ensure!(
            answer.status == example.status,
            "{}: {} instead of {}: {}",
            example.about,
            answer.status,
            example.status,
            answer.text()
        );
        lines.extend([String::new(), format!("# {}.", example.about), curl]);
        lines.push(format!("# -> {} {}", answer.status, answer.text()));
    }
    lines.push(
        "\nThe same over HTTP/2: add --http2-prior-knowledge. Ctrl-C ends everything.\n".to_owned(),
    );
    Ok(lines.join("\n"))
}

/// Ctrl-C, or a polite request to end, from the moment that it is made.
struct Ending {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
}

impl Ending {
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
