//! The suite in a real Envoy: behaviour that depends on several filters in one module.
//!
//! Everything else is tested by the tests of the single filters, which also run against the suite
//! (`make test-suite`).

mod documents;
mod facts;
mod holds;
mod responses;

use std::time::Duration;

use anyhow::{Context, Result};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::Request,
    envoy::Envoy,
    identity_provider::{IdentityProvider, JWKS_PATH},
    process::wait_until,
    repository::SUITE,
    upstream::Upstream,
};

/// Timeout of counters, which workers flush periodically.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The header for the claim `sub`.
const USER: &str = "x-user";
/// The default tag header.
const TAG: &str = "x-weir-tag";

/// A metric without the prefix of Weir, labels of a series, and the value.
type Expected<'a> = (&'a str, &'a [(&'a str, &'a str)], u64);

/// Envoy with the suite between a client and an application, and the issuer of its tokens.
struct Fixture {
    envoy: Envoy,
    app: Upstream,
    issuer: IdentityProvider,
}

impl Fixture {
    /// Starts Envoy with the document that `config` returns for the issuer.
    fn start(config: impl FnOnce(&IdentityProvider) -> Value) -> Result<Self> {
        let (app, issuer) = (Upstream::start()?, IdentityProvider::start()?);
        let field =
            |name: &str| (name.to_owned(), format!("%FILTER_STATE(wasm.weir.{name}:PLAIN)%"));
        let envoy = Envoy::start(EnvoyOptions {
            keys: Some(issuer.address()),
            access_log: ["jwt", "tag", "fault"].map(field).into(),
            ..EnvoyOptions::new(app.address(), vec![suite(&config(&issuer))])
        })?;
        Ok(Self { envoy, app, issuer })
    }

    /// Returns a token of `alice`.
    fn token(&self) -> Result<String> {
        self.issuer.token(Algorithm::ES256, &self.issuer.claims())
    }

    /// Returns a request with a token of `alice`.
    fn signed(&self, path: &str) -> Result<Request> {
        Ok(Request::get(path).bearer(&self.token()?))
    }

    /// Returns the sum of the series of a metric that have these labels.
    fn stat(&self, name: &str, labels: &[(&str, &str)]) -> Result<u64> {
        let stats = self.envoy.stats()?;
        let has = |series: &str, (label, value): &(&str, &str)| {
            series.contains(&format!(".{label}=.={value};.;"))
        };
        let prefix = format!("wasmcustom.weir_{name}");
        let series = stats.matching(&prefix).into_iter().filter(|(series, _)| {
            let rest = series.strip_prefix(&prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        let series = series.filter(|(series, _)| labels.iter().all(|label| has(series, label)));
        Ok(series.map(|(_, value)| value).sum())
    }

    /// Waits until the sums of [`Fixture::stat`] have these values.
    fn wait_for(&self, expected: &[Expected]) -> Result<()> {
        let mut found = Vec::new();
        let same = wait_until("counting", TIMEOUT, || {
            let values = expected.iter().map(|(name, labels, _)| self.stat(name, labels));
            found = values.collect::<Result<_>>()?;
            Ok(expected.iter().map(|(_, _, value)| *value).eq(found.iter().copied()))
        });
        let all = || self.envoy.stats().unwrap_or_default();
        same.with_context(|| {
            format!("expected {expected:?}, found {found:?} in {:#?}", all().matching("weir_"))
        })
    }

    /// Stops Envoy and fails if one of its virtual machines has trapped.
    fn assert_no_trap(&mut self) -> Result<()> {
        for (name, value) in self.envoy.stats()?.matching("vm_reload") {
            assert_eq!(value, 0, "{name}");
        }
        let log = self.envoy.stop()?;
        for word in ["panicked", "Function: proxy_on", "wasm_fail_stream"] {
            assert!(!log.contains(word), "{word}:\n{log}");
        }
        Ok(())
    }
}

/// Returns the suite with this document.
fn suite(document: &Value) -> Filter {
    Filter::new(SUITE, document.clone())
}

/// Returns a document with all sections.
///
/// The user `alice` gets the tag `canary`, the first part of a path selects a fault, and telemetry
/// counts streams by user and tag.
fn document(issuer: &IdentityProvider) -> Value {
    let fault = |path: &str, mut fault: Value| {
        for part in fault.as_object_mut().into_iter().flatten() {
            part.1["percentage"] = json!({"value": 100});
        }
        json!({
            "name": path,
            "match": [{"uri": {"prefix": format!("/{path}")}}],
            "fault": fault,
        })
    };
    let labels = json!({
        "user": {"value": "request.auth.claims['sub']", "values": ["alice"]},
        "tag": {"value": "weir.tag"},
    });
    json!({
        "jwt-auth": {"jwtRules": [{
            "issuer": issuer.issuer(),
            "audiences": ["orders.example.com"],
            "jwks": issuer.keys().jwks().to_string(),
            "outputClaimToHeaders": [{"header": USER, "claim": "sub"}],
        }]},
        "routing-tags": {"http": [
            {"name": "staff", "match": [{"claims": {"sub": {"exact": "alice"}}}], "tag": "canary"},
        ]},
        "telemetry": {
            "metrics": [{"labels": true, "overrides": [{"tagOverrides": labels}]}],
            "accessLogging": [{}],
        },
        "fault-injection": {"http": [
            fault("slow", json!({"delay": {"fixedDelay": "300ms"}})),
            fault("stuck", json!({"delay": {"fixedDelay": "15s"}})),
            fault("abort", json!({"abort": {"httpStatus": 418}})),
            fault("limited", json!({"responseRateLimit": {"fixedLimit": {"limitKbps": 1}}})),
        ]},
    })
}

/// Returns the document with keys that jwt-auth fetches.
fn fetching(issuer: &IdentityProvider) -> Value {
    let mut document = document(issuer);
    let rule = json!({
        "issuer": issuer.issuer(),
        "audiences": ["orders.example.com"],
        "jwksUri": format!("{}{JWKS_PATH}", issuer.issuer()),
        "jwksFetch": {"cluster": "keys"},
        "outputClaimToHeaders": [{"header": USER, "claim": "sub"}],
    });
    if let Some(sections) = document.as_object_mut() {
        sections.insert("jwt-auth".to_owned(), json!({"jwtRules": [rule]}));
    }
    document
}
