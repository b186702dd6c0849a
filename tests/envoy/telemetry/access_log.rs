//! Access logs written to Envoy's application log.

use std::io::{Read, Write};

use anyhow::{Context, Result, ensure};
use hyper::Method;
use serde_json::{Value, json};
use tests::{
    bootstrap::EnvoyOptions, client::Request, envoy::Envoy, ports, upstream::REPLY_STATUS,
    upstream::Upstream,
};

use super::{Fixture, filter};

mod hostile;
mod limits;
mod records;
mod redaction;

/// Returns routes for response flags and details that the application alone cannot cause.
fn routes() -> Vec<Value> {
    vec![
        json!({"match": {"prefix": "/gone"}, "direct_response": {"status": 410}}),
        json!({"match": {"prefix": "/old"}, "route": {"cluster": "app", "prefix_rewrite": "/new"}}),
        json!({"match": {"prefix": "/down"}, "route": {"cluster": "down"}, "name": "to-nowhere"}),
        json!({"match": {"prefix": "/unknown"}, "route": {"cluster_header": "x-cluster"}}),
    ]
}

/// Starts Envoy with this many workers, the routes above, and these fields in its own access log.
fn start(concurrency: u32, config: &Value, native: &[(&str, &str)]) -> Result<Fixture> {
    let app = Upstream::start()?;
    let closed_port = ports::free()?;
    let down = json!({
        "name": "down", "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "down", "endpoints": [{"lb_endpoints": [{"endpoint": {
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": closed_port}}}}]}]}
    });
    let native = native.iter().map(|(name, format)| ((*name).to_owned(), (*format).to_owned()));
    let options = EnvoyOptions {
        concurrency,
        routes: routes(),
        clusters: vec![down],
        access_log: native.collect(),
        ..EnvoyOptions::new(app.address(), vec![filter(config)])
    };
    Ok(Fixture { envoy: Envoy::start(options)?, app })
}

/// Stops Envoy and returns the access log lines of the filter.
fn lines(fixture: &mut Fixture) -> Result<Vec<Value>> {
    let log = fixture.envoy.stop()?;
    ensure!(!log.contains("panicked"), "{log}");
    let lines = log.lines().filter_map(|line| line.split_once("wasm log telemetry: {"));
    let objects = lines.map(|(_, rest)| format!("{{{rest}"));
    objects.map(|line| serde_json::from_str(&line).with_context(|| line.clone())).collect()
}

/// Returns the line for this path. There must be exactly one.
fn line_for<'a>(lines: &'a [Value], path: &str) -> Result<&'a Value> {
    let found: Vec<&Value> = lines.iter().filter(|line| line["path"] == *path).collect();
    ensure!(found.len() == 1, "{} lines for {path} of {lines:?}", found.len());
    found.first().copied().context("no line")
}

#[test]
fn lines_match_envoys_access_log() -> Result<()> {
    let native = [
        ("authority", "%REQ(:AUTHORITY)%"),
        ("protocol", "%PROTOCOL%"),
        ("response_code", "%RESPONSE_CODE%"),
        ("response_code_details", "%RESPONSE_CODE_DETAILS%"),
        ("response_flags", "%RESPONSE_FLAGS%"),
        ("bytes_received", "%BYTES_RECEIVED%"),
        ("bytes_sent", "%BYTES_SENT%"),
        ("upstream_host", "%UPSTREAM_HOST%"),
        ("upstream_cluster", "%UPSTREAM_CLUSTER_RAW%"),
        ("route_name", "%ROUTE_NAME%"),
        ("downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"),
        ("x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"),
        ("user_agent", "%REQ(USER-AGENT)%"),
        ("request_id", "%REQ(X-REQUEST-ID)%"),
        ("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
    ];
    let mut fixture = start(1, &json!({"accessLogging": {}}), &native)?;
    let requests = [
        Request::get("/plain")
            .header("user-agent", "tester/1")
            .header("x-forwarded-for", "192.0.2.1"),
        Request::new(Method::POST, "/post").body(b"12345").header(REPLY_STATUS, "503"),
        Request::get("/old/7"),
        Request::get("/gone"),
        Request::get("/down"),
        Request::get("/unknown").header("x-cluster", "missing"),
        Request::new(Method::DELETE, "/delete"),
    ];
    for client in [fixture.envoy.http1(), fixture.envoy.http2()] {
        for request in &requests {
            client.send(request.clone())?;
        }
    }
    let theirs = fixture.envoy.wait_for_access_log(14)?;
    let ours = lines(&mut fixture)?;
    assert_eq!((ours.len(), theirs.len()), (14, 14));
    for theirs in &theirs {
        let ours = ours.iter().find(|ours| ours["request_id"] == theirs["request_id"]);
        let ours = ours.with_context(|| format!("no line for {theirs}"))?;
        assert_eq!(ours["method"], theirs["method"]);
        for (name, _) in native {
            // Envoy writes null, a dash or nothing for an absent value.
            let is_absent = theirs[name].is_null() || theirs[name] == "-" || theirs[name] == "";
            let expected = if is_absent { &Value::Null } else { &theirs[name] };
            assert_eq!(&ours[name], expected, "{name} of {theirs}");
        }
        assert_eq!(ours["error"], json!(theirs["response_code"].as_u64() >= Some(500)), "{ours}");
        let start = ours["start_time"].as_str().context("no start_time")?;
        assert!(start.starts_with("20") && start.ends_with('Z') && start.len() == 24, "{start}");
        assert!(ours["duration"].as_u64().is_some_and(|millis| millis < 20_000), "{ours}");
    }
    Ok(())
}

#[test]
fn logs_no_query_unless_a_field_selects_it() -> Result<()> {
    for (config, expected) in [
        (json!({}), "/a"),
        (json!({"fields": {"path": {"value": "request.path"}}}), "/a?token=secret"),
    ] {
        let mut fixture = start(1, &json!({"accessLogging": config}), &[])?;
        fixture.envoy.http1().get("/a?token=secret")?;
        let lines = lines(&mut fixture)?;
        assert_eq!(lines.len(), 1);
        assert_eq!(line_for(&lines, expected)?["response_code"], 200);
    }
    Ok(())
}

#[test]
fn abnormally_ended_streams_have_a_line_each() -> Result<()> {
    let mut fixture = start(
        1,
        &json!({"accessLogging": {"fields": {
        "seen": {"value": "has(response.code) ? 'answered' : 'unanswered'"}}}}),
        &[],
    )?;
    // The codec rejects the request before any filter runs.
    fixture.envoy.http1().raw(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")?;
    // The client resets before the application responds.
    let mut leaving = std::net::TcpStream::connect(fixture.envoy.address())?;
    leaving.write_all(b"POST /left HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")?;
    leaving.set_read_timeout(Some(std::time::Duration::from_millis(500)))?;
    let _ = leaving.read(&mut [0; 16]);
    drop(leaving);
    fixture.envoy.http1().get("/last")?;
    fixture.envoy.wait_for_log("\"path\":\"/left\"")?;
    let lines = lines(&mut fixture)?;
    assert_eq!(lines.len(), 3, "{lines:?}");
    let left = line_for(&lines, "/left")?;
    assert_eq!((&left["seen"], &left["response_flags"]), (&json!("unanswered"), &json!("DC")));
    assert_eq!((&left["bytes_received"], &left["error"]), (&json!(3), &json!(false)));
    assert!(left["response_code"].is_null());
    let refused = lines
        .iter()
        .find(|line| line["response_code"] == 400)
        .context("no line with status 400")?;
    assert_eq!(refused["response_flags"], "DPE");
    assert!(refused["path"].is_null());
    line_for(&lines, "/last").map(drop)
}

#[test]
fn reads_attributes_with_their_types() -> Result<()> {
    let fields = [
        ("code", "response.code + 1", json!(201)),
        ("host", "request.host.lowerAscii()", json!("app.example.com")),
        ("scheme", "request.scheme", json!("http")),
        ("query", "request.query", json!("b=1")),
        ("header", "request.headers['X-Two']", json!("1,2")),
        ("absent", "request.headers['x-none']", Value::Null),
        ("has", "'x-two' in request.headers && !has(request.headers.none)", json!(true)),
        ("content_type", "response.headers['content-type']", json!("application/json")),
        ("long", "request.duration > duration('1h')", json!(false)),
        ("started", "request.time", json!("a time")),
        ("port", "destination.port > 0 && source.port > 0", json!(true)),
        ("mtls", "connection.mtls", json!(false)),
        ("connection", "connection.id >= 0", json!(true)),
        ("node", "xds.node.id + node.cluster", json!("weirweir")),
        ("route", "xds.route_name == ''", json!(true)),
        ("vhost", "xds.virtual_host_name", json!("app")),
        ("cluster", "xds.cluster_name", json!("app")),
        ("direction", "xds.listener_direction", json!(0)),
        ("attempts", "upstream.request_attempt_count", json!(1)),
        ("upstream", "upstream.port > 0", json!(true)),
        ("text", "metadata.filter_metadata['test']['tier']", json!("gold")),
        ("number", "metadata.filter_metadata.test.weight * 2.0", json!(5.0)),
        ("flag", "metadata.filter_metadata.test.beta ? 'on' : 'off'", json!("on")),
        ("deep", "metadata.filter_metadata.test.team.name", json!("shop")),
        ("list", "size(metadata.filter_metadata.test.zones)", json!(2)),
        ("state", "filter_state['test.state']", json!("held")),
        ("baggage", "baggage['tenant']", json!("a b")),
        ("error", "weir.error", json!(false)),
    ];
    let config: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(name, text, _)| ((*name).to_owned(), json!({ "value": text })))
        .collect();
    let app = Upstream::start()?;
    let known = json!({"tier": "gold", "weight": 2.5, "beta": true, "team": {"name": "shop"},
        "zones": ["a", "b"]});
    let chain = vec![
        metadata("test", &known),
        state(),
        filter(&json!({"accessLogging": {"fields": config}})),
    ];
    let mut fixture =
        Fixture { envoy: Envoy::start(EnvoyOptions::new(app.address(), chain))?, app };
    let request = Request::get("/a?b=1").header("x-two", "1").header("x-two", "2");
    fixture.envoy.http1().send(request.header("baggage", "user=x,tenant=a%20b;p"))?;
    let lines = lines(&mut fixture)?;
    let line = line_for(&lines, "/a")?;
    for (name, text, expected) in fields {
        if name == "started" {
            assert_eq!(line["started"], line["start_time"]);
        } else {
            assert_eq!(line[name], expected, "{text}");
        }
    }
    Ok(())
}

#[test]
fn reads_claims_verified_by_istio() -> Result<()> {
    let fields = [
        ("subject", "request.auth.claims['sub'] == 'alice'", json!(true)),
        ("admin", "'admin' in request.auth.claims['groups']", json!(true)),
        ("other", "'root' in request.auth.claims['groups']", json!(false)),
        ("adult", "request.auth.claims.age >= 18.0", json!(true)),
        ("team", "request.auth.claims.org.team == 'shop'", json!(true)),
        ("principal", "request.auth.principal == 'https://idp/alice'", json!(true)),
        ("audience", "'orders' in request.auth.audiences", json!(true)),
        ("absent", "has(request.auth.claims.none)", json!(false)),
    ];
    // Only in `filter.expression`, because a field must not expose a claim.
    let config = fields.iter().map(|(name, text, _)| {
        let fields = json!({"name": {"value": format!("'{name}'")}});
        json!({"filter": {"expression": text}, "fields": fields})
    });
    let config: Vec<Value> = config.collect();
    let app = Upstream::start()?;
    let payload = json!({"payload": {"iss": "https://idp", "sub": "alice", "aud": "orders",
        "groups": ["staff", "admin"], "age": 20, "org": {"team": "shop"}}});
    let chain = vec![
        metadata("envoy.filters.http.jwt_authn", &payload),
        filter(&json!({ "accessLogging": config })),
    ];
    let mut fixture =
        Fixture { envoy: Envoy::start(EnvoyOptions::new(app.address(), chain))?, app };
    fixture.envoy.http1().get("/")?;
    let lines = lines(&mut fixture)?;
    for (name, text, expected) in fields {
        let is_logged = lines.iter().any(|line| line["name"] == name);
        assert_eq!(json!(is_logged), expected, "{text}");
    }
    Ok(())
}

/// Returns Envoy's filter that sets dynamic metadata.
fn metadata(namespace: &str, value: &Value) -> tests::bootstrap::Filter {
    tests::bootstrap::Filter::native(json!({
        "name": "envoy.filters.http.set_metadata",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config",
            "metadata": [{"metadata_namespace": namespace, "value": value}]
        }
    }))
}

/// Returns Envoy's filter that sets filter state.
fn state() -> tests::bootstrap::Filter {
    tests::bootstrap::Filter::native(json!({
        "name": "envoy.filters.http.set_filter_state",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
            "on_request_headers": [{
                "object_key": "test.state", "factory_key": "envoy.string",
                "format_string": {"text_format_source": {"inline_string": "held"}}
            }]
        }
    }))
}
