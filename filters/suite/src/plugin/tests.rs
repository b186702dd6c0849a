#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use filter_host::{
    Action,
    memory::{HostCall, Proxy, Worker},
};
use serde_json::{Value, json};

use super::Suite;

mod failures;
mod holds;

/// The signed example of RFC 7515, appendix A.3, which expires in 2011.
const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
                     Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4Gawxae\
                     pmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
/// A time at which the token is valid.
const NOW: Duration = Duration::from_secs(1_300_819_000);

/// A document with all filters.
///
/// The issuer `joe` gets the tag `v2`, and streams are counted by issuer, tag and fault.
fn document() -> Value {
    let keys = json!({"keys": [{"kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]});
    json!({
        "jwt-auth": {"jwtRules": [{"issuer": "joe", "jwks": keys.to_string(),
            "outputClaimToHeaders": [{"header": "x-issuer", "claim": "iss"}]}]},
        "routing-tags": {"http": [{"match": [{"claims": {"iss": {"exact": "joe"}}}], "tag": "v2"}]},
        "telemetry": {"metrics": {"labels": true}},
        "fault-injection": {"http": []},
    })
}

fn with(mut document: Value, section: &str, value: Value) -> Value {
    document[section] = value;
    document
}

fn start(proxy: &Proxy, document: &Value) -> Worker<Suite> {
    proxy.set_now(NOW);
    proxy.worker(&document.to_string()).unwrap()
}

fn signed() -> Vec<(&'static str, String)> {
    vec![
        (":method", "GET".into()),
        (":path", "/orders".into()),
        (":authority", "shop".into()),
        ("authorization", format!("Bearer {TOKEN}")),
    ]
}

/// Starts a stream with the token.
fn request(worker: &mut Worker<Suite>) -> u32 {
    worker.open(signed().into_iter().collect(), true)
}

#[test]
fn absent_filters_change_nothing() {
    let proxy = Proxy::new();
    let mut worker = proxy.worker::<Suite>("").unwrap();
    proxy.clear_trace();
    let stream = worker.request(&[(":path", "/")]);
    worker.respond(stream, 200);
    assert!(worker.end(stream).is_forwarded());
    assert_eq!(proxy.trace(), []);
}

#[test]
fn a_filter_reads_what_an_earlier_one_established() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document());
    let stream = request(&mut worker);
    worker.respond(stream, 200);
    let stream = worker.end(stream);
    assert_eq!(stream.request_header("x-issuer").as_deref(), Some("joe"));
    assert_eq!(stream.request_header("x-weir-tag").as_deref(), Some("v2"));
    assert_eq!(stream.property("weir.jwt"), None, "nothing outside the suite reads it");
    assert_eq!(stream.property("weir.tag"), None, "nothing outside the suite reads it");
}

#[test]
fn facts_are_properties_when_the_document_asks_for_them() {
    let mut document = document();
    document["jwt-auth"]["publish"] = json!("CLAIMS");
    document["routing-tags"]["filterState"] = json!(true);
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document);
    let stream = request(&mut worker);
    let stream = worker.end(stream);
    let identity: Value = serde_json::from_slice(stream.property("weir.jwt").unwrap()).unwrap();
    assert_eq!(identity["iss"], "joe");
    assert_eq!(stream.property("weir.tag"), Some(&b"v2"[..]));
}

#[test]
fn a_denied_request_reaches_no_later_filter_but_is_counted() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document());
    let stream = worker.request(&[(":path", "/"), ("authorization", "Bearer a.b.c")]);
    assert_eq!(worker.stream(stream).reply.unwrap().status, 401);
    let stream = worker.end(stream);
    assert_eq!(stream.request_header("x-weir-tag"), None);
    worker.advance(Duration::from_secs(5));
    let counted = |name: &str, label: &str| {
        let metrics = proxy.metrics().into_iter();
        let of = metrics.filter(|(found, _)| found.starts_with(name) && found.contains(label));
        of.map(|(_, value)| value).sum::<u64>()
    };
    assert_eq!(counted("weir_telemetry_requests_total", "=401"), 1, "{:?}", proxy.metrics());
    assert_eq!(counted("weir_routing_tags_tagged_total", ""), 0);
}

#[test]
fn reads_the_header_map_of_a_request_once() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document());
    for _ in 0..2 {
        proxy.clear_trace();
        request(&mut worker);
    }
    let trace = proxy.trace();
    let reads = trace.iter().filter(|call| ["headers", "header"].contains(&call.name)).count();
    assert_eq!(reads, 1, "{trace:#?}");
}

#[test]
fn reports_the_errors_of_all_sections_with_their_paths() {
    let document = json!({
        "jwt-auth": {"jwtRules": [{"issuer": "joe", "jwks": "{}", "jwksUri": "https://a/b"}]},
        "routing-tags": {"http": [{"tag": "a b"}]},
        "telemetry": {"slos": [{}]},
        "fault-injection": {"http": [{"name": "x"}, {"name": "x"}]},
        "rate-limits": {},
    });
    let error = Proxy::new().worker::<Suite>(&document.to_string()).err().unwrap();
    for path in ["telemetry.slos[0]: missing field", "rate-limits: unknown field"] {
        assert!(error.contains(path), "{error}");
    }
    // Rules that involve several fields are checked in a document whose fields are valid.
    let document = json!({
        "jwt-auth": {"jwtRules": [{"issuer": "a", "jwks": "{"}, {"issuer": "b", "jwks": "{"}]},
        "fault-injection": {"http": [{"name": "x"}, {"name": "x"}]},
    });
    let error = Proxy::new().worker::<Suite>(&document.to_string()).err().unwrap();
    for path in ["jwt-auth.jwtRules[0].jwks", "fault-injection.http[1]"] {
        assert!(error.contains(path), "{error}");
    }
}

#[test]
fn a_document_without_its_section_is_refused_with_the_section() {
    for (document, error) in [
        (
            json!({"jwtRules": [], "rules": [{}]}),
            "jwtRules: must not be given: it belongs in the section jwt-auth; \
             rules: must not be given: it belongs in the section jwt-auth or access-control",
        ),
        (
            json!({"http": []}),
            "http: must not be given: it belongs in the section rate-limit, routing-tags or fault-injection",
        ),
        (
            json!({"tracing": [], "telemetry": {}}),
            "tracing: must not be given: it belongs in the section telemetry",
        ),
        (
            json!({"dryRun": true}),
            "dryRun: must not be given: it belongs in the section of a filter",
        ),
    ] {
        let found = Proxy::new().worker::<Suite>(&document.to_string()).err().unwrap();
        assert_eq!(found, error);
    }
}

#[test]
fn null_is_not_an_absent_section() {
    let error = Proxy::new().worker::<Suite>(r#"{"jwt-auth": null}"#).err().unwrap();
    assert!(error.starts_with("jwt-auth: "), "{error}");
}

#[test]
fn warnings_name_the_section() {
    let fault = json!({"abort": {"percentage": {"value": 100}, "httpStatus": 503}});
    let schedule = json!({"expiresAt": "2011-01-01T00:00:00Z"});
    let document = json!({"fault-injection": {"schedule": schedule, "http": [{"fault": fault}]}});
    let proxy = Proxy::new();
    let mut worker = proxy.worker::<Suite>(&document.to_string()).unwrap();
    worker.request(&[]);
    let lines = proxy.log(3);
    assert!(
        lines.contains(
            &"fault-injection.schedule: expiresAt has passed, so no fault fires".to_owned()
        ),
        "{lines:?}"
    );
}

#[test]
fn passes_bodies_and_trailers_to_all_filters() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &document());
    let stream = worker.open(signed().into_iter().collect(), false);
    assert_eq!(worker.request_body(stream, b"abc", false), Action::Continue);
    worker.request_trailers(stream, &[("x-issuer", "forged")]);
    assert_eq!(
        worker.stream(stream).map(filter_host::headers::Map::RequestTrailers).first("x-issuer"),
        None
    );
    worker.response_headers(stream, &[(":status", "200")], false);
    assert_eq!(worker.response_body(stream, b"defg", false), Action::Continue);
    worker.response_trailers(stream, &[("x", "y")]);
    let stream = worker.end(stream);
    assert_eq!(stream.response_body, b"defg");
    worker.advance(Duration::from_secs(5));
    let sizes = |name: &str| {
        let names = proxy.histograms();
        names.into_iter().find(|(found, _)| found.starts_with(name)).map(|(_, values)| values)
    };
    assert_eq!(sizes("weir_telemetry_response_bytes"), Some(vec![4]), "{:?}", proxy.histograms());
}

#[test]
fn makes_only_these_host_calls() {
    let expected = [
        "request_headers headers RequestHeaders",
        "request_headers clock ",
        "request_headers remove_header authorization",
        "request_headers set_header x-issuer",
        "request_headers set_header x-weir-tag",
        "log header :status",
    ];
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &with(document(), "telemetry", json!({})));
    // The first request verifies the token, defines series and starts timers.
    for _ in 0..2 {
        proxy.clear_trace();
        let stream = request(&mut worker);
        worker.response_headers(stream, &[(":status", "200")], false);
        worker.response_body(stream, b"ok", true);
        worker.end(stream);
    }
    let call = |call: &HostCall| format!("{} {} {}", call.callback, call.name, call.argument);
    assert_eq!(proxy.trace().iter().map(call).collect::<Vec<_>>(), expected);
}

#[test]
fn a_refused_document_leaves_no_trace() {
    let proxy = Proxy::new();
    let document =
        with(document(), "jwt-auth", json!({"jwtRules": [{"issuer": "a", "jwks": "{"}]}));
    assert!(proxy.worker::<Suite>(&document.to_string()).is_err());
    assert_eq!((proxy.shared_keys(), proxy.metrics()), (Vec::new(), Vec::new()));
    assert_eq!(proxy.log(2), Vec::<String>::new());
}

#[test]
fn telemetry_reads_the_fault_of_a_later_filter() {
    let labels = json!([{"labels": true,
        "overrides": [{"tagOverrides": {"fault": {"value": "weir.fault"}}}]}]);
    let abort = json!({"percentage": {"value": 100}, "httpStatus": 503});
    let fault = json!({"http": [{"name": "down", "fault": {"abort": abort}}]});
    let document = with(document(), "telemetry", json!({"metrics": labels}));
    let proxy = Proxy::new();
    let mut worker = start(&proxy, &with(document, "fault-injection", fault));
    let stream = request(&mut worker);
    assert_eq!(worker.end(stream).reply.unwrap().status, 503);
    worker.advance(Duration::from_secs(5));
    let metrics = proxy.metrics();
    assert!(metrics.iter().any(|(name, _)| name.contains("fault=.=entry%3Ddown")), "{metrics:?}");
}
