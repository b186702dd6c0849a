//! Compilation: accepted expressions and error messages.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn single_attributes_are_resolved() {
    for (text, attribute) in [
        ("request.method", "request.method"),
        ("request.headers['X-User']", "request.headers['x-user']"),
        ("node.id", "xds.node.id"),
        ("weir.tag", "weir.tag"),
        ("filter_state['wasm.weir.tag']", "filter_state.wasm.weir.tag"),
        ("filter_state.downstream_peer.workload", "filter_state.downstream_peer.workload"),
        ("metadata.filter_metadata['a.b'].c", "metadata.filter_metadata.a.b.c"),
        (
            "xds.node.metadata.LABELS['service.istio.io/canonical-name']",
            "xds.node.metadata.LABELS.service.istio.io/canonical-name",
        ),
    ] {
        let (expression, reads) = compile(text);
        assert!(matches!(expression.node, Node::Read(_)), "{text}");
        let names: Vec<String> = reads.iter().map(|(_, attribute)| attribute.to_string()).collect();
        assert_eq!(names, [attribute]);
    }
}

#[test]
fn attributes_share_slots_and_are_read_once() {
    let mut reads = AttributeTable::default();
    for text in ["request.method == 'GET' || request.method == 'PUT'", "request.method"] {
        let compiled = Expression::compile(text, Phase::Request, ResultKind::Any, &mut reads);
        assert_eq!(compiled.unwrap().slots().len(), 1);
    }
    assert_eq!(reads.iter().count(), 1);
    let cache = reads.new_cache();
    let (slot, _) = reads.iter().next().unwrap();
    assert!(!cache.has_read(slot));
    assert_eq!(cache.get(slot, || None), None);
    assert_eq!(cache.get(slot, || panic!("a missing value must not be read again")), None);
    assert!(cache.has_read(slot));
}

#[test]
fn errors_suggest_a_fix() {
    for (text, message) in [
        ("istio-proxy", "unknown attribute istio; text needs quotes: \"'istio-proxy'\""),
        ("production", "unknown attribute production; text needs quotes: \"'production'\""),
        (
            "attributes.canonical_service_name",
            "unknown attribute attributes.canonical_service_name; write xds.node.metadata.LABELS['service.istio.io/canonical-name']",
        ),
        ("response.status", "unknown attribute response.status; write response.code"),
        ("source.adress", "unknown attribute source.adress; source has address, port"),
        ("request.headers", "unknown attribute request.headers; write request.headers['name']"),
        ("request.path.x", "unknown attribute request.path.x; request.path has no fields"),
        (
            "weir.foo",
            "unknown attribute weir.foo; weir has operation, error, traceId, spanId, sampled, tag, fault",
        ),
        (
            "upstream_peer.labels['app'].value",
            "unknown attribute upstream_peer.labels.app.value; write filter_state.upstream_peer.<field>",
        ),
        (
            "response.code >= '400'",
            ">= does not take int and string; convert with int() or string()",
        ),
        ("request.duration > 1", "> does not take duration and int; write duration('1s')"),
        (
            "request.time + duration('1s')",
            "+ does not take timestamp and duration; arithmetic with timestamps is not supported",
        ),
        ("1 + 1.5", "+ does not take int and double; convert with double()"),
        ("!response.code", "! does not take int"),
        ("response.code && true", "&& does not take int and bool"),
        ("true ? 1 : 'a'", "?: does not take bool and int and string"),
        ("[1, 'a']", "a list does not take int and string"),
        (
            "'a'.startsWith(1)",
            "startsWith() does not take string and int; convert with int() or string()",
        ),
        ("'a' in 'abc'", "in does not take string and string"),
        ("[1].all(x, x > 0)", "must not use all, exists, exists_one, map or filter"),
        ("request.headers.map(x, x)", "must not use all, exists, exists_one, map or filter"),
        ("{'a': 1}", "must not use {}"),
        ("1u == 1u", "must not use an unsigned number; leave out the u"),
        ("b'a'", "must not use bytes"),
        ("request.method == null", "must not use null; write has(a.b), or 'b' in a"),
        (
            "request.headers[request.method]",
            "must not use []; an index must be literal text on an attribute, such as request.headers['name']",
        ),
        ("'a'.matches(request.path)", "must not use a computed regular expression"),
        (
            "timestamp('2020-01-01T00:00:00Z')",
            "must not use timestamp(); arithmetic with timestamps is not supported",
        ),
        ("request.time.getHours()", "must not use getHours()"),
        ("duration(request.path)", "must not use duration() of a computed value"),
        ("duration('1 day')", "must have a duration such as '1.5s', got '1 day'"),
        ("1 / 0 == 1", "always fails: division by zero"),
        ("int('x')", "always fails: a text cannot be converted"),
        (
            "'a' + 'b' ==",
            "must be a CEL expression: Syntax error: mismatched input '<EOF>' at column 13",
        ),
    ] {
        assert_eq!(refusal(text, Phase::End, ResultKind::Any), message, "{text}");
    }
    let pattern = refusal("'a'.matches('(')", Phase::End, ResultKind::Any);
    assert!(pattern.starts_with("must have a regular expression in RE2 syntax ("), "{pattern}");
    let words = refusal("eu west 1", Phase::End, ResultKind::Any);
    assert!(words.ends_with("; text needs quotes: \"'eu west 1'\""), "{words}");
}

#[test]
fn attributes_of_the_response_are_unavailable_at_the_request() {
    for (text, name) in [
        ("response.code", "response.code"),
        ("request.duration > duration('1s')", "request.duration"),
        ("weir.error", "weir.error"),
        ("'x' in response.headers", "response.headers['x']"),
        ("has(upstream.locality.zone)", "upstream.locality.zone"),
    ] {
        assert_eq!(
            refusal(text, Phase::Request, ResultKind::Any),
            format!(
                "{name} is only available at the end of the stream, but this is evaluated at the request"
            )
        );
        compile(text);
    }
}

#[test]
fn results_must_have_the_required_kind() {
    for (text, wanted, message) in [
        ("request.method", ResultKind::Bool, "must be an expression of kind bool, got string"),
        (
            "request.path",
            ResultKind::Number,
            "must be an expression of kind int or double, got string; convert with int()",
        ),
        (
            "request.auth.audiences",
            ResultKind::Scalar,
            "must be an expression of kind string or number, got list of string",
        ),
    ] {
        assert_eq!(refusal(text, Phase::End, wanted), message);
    }
    for (text, wanted) in [
        ("request.auth.claims.a", ResultKind::Bool),
        ("request.auth.claims.a", ResultKind::Number),
        ("response.size", ResultKind::Number),
    ] {
        assert!(
            Expression::compile(text, Phase::End, wanted, &mut AttributeTable::default()).is_ok()
        );
    }
}

#[test]
fn credentials_and_identities_are_sensitive() {
    for (text, is_sensitive) in [
        ("request.headers['Authorization']", true),
        ("'a' + request.headers.cookie", true),
        ("request.auth.claims.sub", true),
        ("request.auth.principal", true),
        ("metadata.filter_metadata['envoy.filters.http.jwt_authn'].payload.sub", true),
        ("filter_state['wasm.weir.jwt']", true),
        ("response.headers['set-cookie']", true),
        ("request.auth.audiences", false),
        ("request.headers['x-user']", false),
    ] {
        assert_eq!(compile(text).0.is_sensitive(), is_sensitive, "{text}");
    }
}

#[test]
fn headers_are_mutable() {
    for (text, is_mutable) in [
        ("request.path", true),
        ("request.headers['x']", true),
        ("baggage['x']", true),
        ("request.protocol", false),
        ("request.duration", false),
        ("response.code", false),
        ("source.address", false),
    ] {
        let (_, reads) = compile(text);
        assert!(reads.iter().all(|(_, attribute)| attribute.is_mutable() == is_mutable), "{text}");
    }
}

#[test]
fn mutable_attributes_are_read_early_unless_set_late() {
    let mut reads = AttributeTable::default();
    let compile = |text: &str, reads: &mut AttributeTable| {
        Expression::compile(text, Phase::End, ResultKind::Any, reads).unwrap();
    };
    assert!(!reads.set_late(true));
    compile("request.path + request.host", &mut reads);
    assert!(reads.set_late(false));
    assert_eq!(reads.early().count(), 0);
    compile("request.host + request.protocol", &mut reads);
    let names: Vec<String> = reads.early().map(|(_, attribute)| attribute.to_string()).collect();
    assert_eq!(names, ["request.host"]);
}
