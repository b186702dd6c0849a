//! The suite as a WasmPlugin at the gateway.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    client::{Request, Response},
    process::wait_until,
    repository::{self, SUITE},
    upstream::Received,
};

use crate::{
    Scenario,
    jwt_auth::{jwt_rules, token_of},
    mesh::Mesh,
    telemetry::{samples, value},
};

/// Timeout until a metric is exported.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The default tag header.
const TAG: &str = "x-weir-tag";

/// The scenarios of the suite.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("the suite denies, tags, aborts and counts in one plugin", all_filters),
    ("the shipped document of the suite serves requests", shipped_document),
    ("a refused document of the suite names its sections and changes nothing", refused_document),
];

/// Returns a document that trusts the issuer of the mesh and tags `alice`.
fn document(mesh: &Mesh) -> Value {
    let abort = json!({"abort": {"percentage": {"value": 100}, "httpStatus": 418}});
    json!({
        "jwt-auth": {"jwtRules": jwt_rules(mesh)},
        "routing-tags": {"http": [
            {"name": "alice", "match": [{"claims": {"sub": {"exact": "alice"}}}], "tag": "canary"},
        ]},
        "telemetry": {"metrics": [{"labels": true}]},
        "fault-injection": {"http": [{"match": [{"uri": {"prefix": "/abort"}}], "fault": abort}]},
    })
}

/// Applies the suite at the gateway and waits until it checks tokens.
fn apply(mesh: &Mesh, document: &Value) -> Result<()> {
    mesh.apply_plugin(SUITE, document)?;
    let request = Request::get("/").bearer("not-a-token");
    mesh.wait_for("checking tokens", &request, |response| response.status == 401)?;
    Ok(())
}

/// Returns the tags that the application received.
fn tags(response: &Response) -> Result<Vec<String>> {
    ensure!(response.status == 200, "not a response of the application: {response:?}");
    let request = Received::from_response(response)?;
    Ok(request.header(TAG).into_iter().map(str::to_owned).collect())
}

fn all_filters(mesh: &Mesh) -> Result<()> {
    apply(mesh, &document(mesh))?;
    let token = token_of(mesh, "alice")?;
    let response = mesh.send(Request::get("/orders").bearer(&token))?;
    ensure!(tags(&response)? == ["canary"], "with a token: {response:?}");
    let response = mesh.send(Request::get("/orders").header(TAG, "canary"))?;
    ensure!(tags(&response)?.is_empty(), "without a token: {response:?}");
    let response = mesh.send(Request::get("/abort").bearer(&token))?;
    ensure!(response.status == 418, "a fault: {response:?}");
    for code in ["200", "401", "418"] {
        let label = format!(r#"response_code="{code}""#);
        let mut metrics = String::new();
        let counted = wait_until("counting", TIMEOUT, || {
            metrics = mesh.metrics()?;
            let counters = samples(&metrics, "weir_telemetry_requests_total");
            Ok(counters.iter().any(|line| line.contains(&label) && value(line) > 0))
        });
        counted.with_context(|| format!("no {label} in {metrics}"))?;
    }
    Ok(())
}

fn shipped_document(mesh: &Mesh) -> Result<()> {
    apply(mesh, &repository::plugin_config("wasmplugins/suite.yaml")?)?;
    let response = mesh.send(Request::get("/orders").header("x-user-type", "premium"))?;
    ensure!(tags(&response)? == ["v2"], "{response:?}");
    Ok(())
}

fn refused_document(mesh: &Mesh) -> Result<()> {
    apply(mesh, &document(mesh))?;
    let mark = mesh.log_mark();
    let mut wrong = document(mesh);
    if let Some(sections) = wrong.as_object_mut() {
        sections.insert("routing-tags".to_owned(), json!({"http": [{"tags": "a"}]}));
        sections.insert("telemetry".to_owned(), json!({"slos": [{}]}));
    }
    mesh.apply_plugin(SUITE, &wrong)?;
    let line = mesh.wait_for_log(mark, "configuration refused: ")?;
    for path in ["routing-tags.http[0].tags: ", "telemetry.slos[0]: "] {
        ensure!(line.contains(path), "no {path} in {line}");
    }
    let response = mesh.send(Request::get("/orders").bearer(&token_of(mesh, "alice")?))?;
    ensure!(tags(&response)? == ["canary"], "after the refusal: {response:?}");
    Ok(())
}
