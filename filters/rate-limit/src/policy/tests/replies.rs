//! Replies to refused requests.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use filter_core::{
    GrpcStatus,
    protobuf::{self, Field},
};

use super::{headers::usage, structured_fields::list, *};

const JSON: &[(&str, &str)] = &[(":method", "GET"), ("accept", "application/json")];
const TEXT: &[(&str, &str)] = &[(":method", "GET"), ("accept", "text/plain")];
const GRPC: &[(&str, &str)] = &[(":method", "POST"), ("content-type", "application/grpc")];

fn two_limits(fields: Value) -> Value {
    let reply = json!({"httpStatus": 503, "headers": {"response":
        {"set": {"Retry-After": "99", "x-a": "b"}, "add": {"x-c": "d"}}}, "body": {"string": "busy"}});
    let mut document =
        json!({"limits": [limit("user", json!({})), limit("own", json!({"reply": reply}))]});
    document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    document
}

/// Returns the reply to a request that these rules refuse for these times in milliseconds.
fn reply(document: &Value, refusals: &[(usize, u64)], headers: &[(&str, &str)]) -> Reply {
    let policy = policy(document);
    let plan = plan(&policy, &request(&[]));
    let usages = plan.draws.iter().map(|draw| {
        let refusal = refusals.iter().find(|(rule, _)| *rule == draw.rule);
        refusal.map_or(usage(*draw, 5, 100), |(_, time)| usage(*draw, 0, *time))
    });
    let refusal = |(rule, time): &(usize, u64)| Refusal {
        rule: *rule,
        retry_after: Duration::from_millis(*time),
    };
    let denial = Denial {
        refusals: refusals.iter().map(refusal).collect(),
        usages: usages.collect(),
        ..Denial::default()
    };
    policy.reply(&denial, &headers.iter().copied().collect()).unwrap()
}

fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    let mut found = reply.headers.iter().filter(|(found, _)| found.as_str() == name);
    let value = found.next().map(|(_, value)| std::str::from_utf8(value).unwrap());
    assert!(found.next().is_none(), "{name} is repeated");
    value
}

#[test]
fn an_http_client_gets_problem_details() {
    let reply = reply(&two_limits(json!({})), &[(0, 2_400)], JSON);
    assert_eq!((reply.status, reply.details.as_str()), (429, "weir_rate_limit_denied{user}"));
    assert_eq!(header(&reply, "retry-after"), Some("3"));
    assert_eq!(header(&reply, "x-envoy-ratelimited"), Some("true"));
    assert_eq!(header(&reply, "content-type"), Some("application/problem+json"));
    assert_eq!(header(&reply, "ratelimit-policy"), Some(r#""user";q=10;w=1, "own";q=10;w=1"#));
    assert_eq!(header(&reply, "ratelimit"), Some(r#""user";r=0;t=3, "own";r=5;t=1"#));
    assert!(list(header(&reply, "ratelimit").unwrap()).is_some());
    assert_eq!(header(&reply, "grpc-retry-pushback-ms"), None);
    let problem: Value = serde_json::from_slice(&reply.body).unwrap();
    let uri = "https://iana.org/assignments/http-problem-types#quota-exceeded";
    assert_eq!(problem["type"], uri);
    assert_eq!(problem["status"], 429);
    assert_eq!(problem["violated-policies"], json!(["user"]));
    assert!(problem["title"].as_str().is_some());
}

#[test]
fn other_clients_get_text_or_no_body() {
    let document = two_limits(json!({}));
    let text = reply(&document, &[(0, 1)], TEXT);
    assert_eq!(text.body, b"local_rate_limited\n");
    assert_eq!(header(&text, "content-type"), Some("text/plain; charset=utf-8"));
    let head = reply(&document, &[(0, 1)], &[(":method", "HEAD")]);
    assert!(head.body.is_empty() && head.status == 429);
    let none = two_limits(json!({"problem": {"detail": "NONE"}}));
    assert!(reply(&none, &[(0, 1)], JSON).body.is_empty());
}

#[test]
fn the_time_is_rounded_up_and_never_zero() {
    let document = two_limits(json!({}));
    for (refusals, seconds) in [
        (&[(0, 0)][..], "1"),
        (&[(0, 1)], "1"),
        (&[(0, 1_000)], "1"),
        (&[(0, 1_001)], "2"),
        (&[(0, 100), (1, 61_000)], "61"),
    ] {
        let user = reply(&document, refusals, JSON);
        assert_eq!(header(&user, "retry-after"), Some(seconds), "{refusals:?}");
    }
}

#[test]
fn a_request_that_is_never_admitted_gets_no_time() {
    let policy = policy(&two_limits(json!({})));
    for (request, pushback) in [(JSON, None), (GRPC, Some("-1"))] {
        let reply = policy.reply(&Denial::never(0), &request.iter().copied().collect()).unwrap();
        assert_eq!(header(&reply, "retry-after"), None);
        assert_eq!(header(&reply, "grpc-retry-pushback-ms"), pushback);
        assert_eq!(header(&reply, "grpc-status-details-bin"), None);
    }
    assert_eq!(policy.summary(&Denial::never(0)), "limit=user");
}

#[test]
fn the_first_limit_that_refuses_provides_the_reply() {
    let document = two_limits(json!({}));
    let own = reply(&document, &[(1, 500), (0, 2_000)], JSON);
    assert_eq!((own.status, &own.body[..]), (503, &b"busy"[..]));
    assert_eq!(header(&own, "retry-after"), Some("99"), "set by the configuration");
    assert_eq!((header(&own, "x-a"), header(&own, "x-c")), (Some("b"), Some("d")));
    assert_eq!(header(&own, "content-type"), None);
    assert_eq!(own.details, "weir_rate_limit_denied{own}");
    let user = reply(&document, &[(0, 2_000), (1, 500)], JSON);
    let problem: Value = serde_json::from_slice(&user.body).unwrap();
    assert_eq!(problem["violated-policies"], json!(["user", "own"]));
}

#[test]
fn headers_of_limits_can_be_left_out() {
    let none = json!({"rateLimitHeaders": "NONE", "xRatelimitHeaders": true});
    let reply_without = reply(&two_limits(none), &[(0, 1)], JSON);
    for name in ["ratelimit", "ratelimit-policy", "x-ratelimit-limit"] {
        assert_eq!(header(&reply_without, name), None, "{name}");
    }
    let trio = reply(&two_limits(json!({"xRatelimitHeaders": true})), &[(0, 1_500)], JSON);
    let names = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    assert_eq!(names.map(|name| header(&trio, name)), [Some("10"), Some("0"), Some("2")]);
}

/// Returns the content of a field of a message.
fn field(message: &[u8], number: u64) -> Field<'_> {
    let fields: Vec<_> = protobuf::whole_fields(message).collect::<Result<_, _>>().unwrap();
    let mut found = fields.into_iter().filter(|(found, _)| *found == number);
    let (_, field) = found.next().unwrap();
    assert!(found.next().is_none(), "field {number} is repeated");
    field
}

fn bytes(message: &[u8], number: u64) -> &[u8] {
    let Field::Bytes(bytes) = field(message, number) else { panic!("field {number}") };
    bytes
}

#[test]
fn a_grpc_client_gets_retry_info() {
    for (millis, pushback) in [(2_400, "2400"), (1, "1"), (3_600_000, "3600000")] {
        let reply = reply(&two_limits(json!({})), &[(0, millis)], GRPC);
        assert_eq!(reply.grpc_status, Some(GrpcStatus::ResourceExhausted));
        assert_eq!(reply.body, b"local_rate_limited");
        assert_eq!(header(&reply, "grpc-retry-pushback-ms"), Some(pushback));
        let details = header(&reply, "grpc-status-details-bin").unwrap();
        let status = BASE64_STANDARD_NO_PAD.decode(details).unwrap();
        assert_eq!(field(&status, 1), Field::Varint(8));
        assert_eq!(bytes(&status, 2), b"local_rate_limited");
        let any = bytes(&status, 3);
        assert_eq!(bytes(any, 1), b"type.googleapis.com/google.rpc.RetryInfo");
        let delay = bytes(bytes(any, 2), 1);
        assert_eq!(protobuf::duration(delay), Duration::from_millis(millis));
    }
}

#[test]
fn a_grpc_client_gets_no_configured_body() {
    let reply = reply(&two_limits(json!({})), &[(1, 500)], GRPC);
    assert_eq!((reply.status, &reply.body[..]), (503, &b"local_rate_limited"[..]));
    assert_eq!(header(&reply, "x-a"), Some("b"));
}

#[test]
fn summarizes_a_refusal() {
    let policy = policy(&two_limits(json!({})));
    let refusal = |rule, nanos| Refusal { rule, retry_after: Duration::from_nanos(nanos) };
    let refusals = vec![refusal(1, 1), refusal(0, 2_399_000_001)];
    let denial = Denial { refusals, ..Denial::default() };
    assert_eq!(policy.summary(&denial), "limit=own;retry_ms=2400");
}

#[test]
fn a_configured_content_type_is_only_for_http() {
    let set = json!({"headers": {"response": {"set": {"Content-Type": "text/html", "x-a": "b"}}}});
    let document = json!({"limits": [limit("a", json!({"reply": set}))]});
    for (headers, expected) in [(JSON, Some("text/html")), (GRPC, None)] {
        let reply = reply(&document, &[(0, 1_000)], headers);
        assert_eq!(header(&reply, "content-type"), expected, "{headers:?}");
        assert_eq!(header(&reply, "x-a"), Some("b"), "{headers:?}");
    }
}
