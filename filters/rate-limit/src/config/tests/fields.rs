//! Fields with invalid values.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
pub(super) fn checks_top_level_fields() {
    check(vec![
        (json!({"maxWaiting": 0}), "maxWaiting: must be a whole number from 1 to 100000, got 0"),
        (
            json!({"maxWaiting": 100_001}),
            "maxWaiting: must be a whole number from 1 to 100000, got 100001",
        ),
        (
            json!({"rateLimitHeaders": "all"}),
            r#"rateLimitHeaders: must be one of `NONE`, `DENIED`, `ALL`, got "all""#,
        ),
        (
            json!({"xRatelimitHeaders": "DRAFT_VERSION_03"}),
            r#"xRatelimitHeaders: must be true or false, got "DRAFT_VERSION_03""#,
        ),
        (
            json!({"pathNormalization": "base"}),
            r#"pathNormalization: must be one of `NONE`, `BASE`, `MERGE_SLASHES`, `DECODE_AND_MERGE_SLASHES`, got "base""#,
        ),
        (json!({"limits": {}}), "limits: must be a list, got an object"),
        (
            json!({"http": [{"name": "é"}]}),
            r#"http[0].name: must be 1 to 128 characters of printable ASCII, got "é""#,
        ),
        (
            json!({"http": [{"limit": []}]}),
            "http[0].limit: unknown field `limit`, expected one of `name`, `match`, `schedule`, `limits`",
        ),
        (json!({"explain": [{"headers": {}}]}), "accepted"),
        (
            json!({"problem": {"detail": "SOME"}}),
            r#"problem.detail: must be one of `NONE`, `CODE`, `FULL`, got "SOME""#,
        ),
        (json!({"dryRun": "yes"}), r#"dryRun: must be true or false, got "yes""#),
    ]);
    let many: Vec<Value> =
        (0..1_025).map(|n| json!({"match": [{"uri": {"exact": format!("/{n}")}}]})).collect();
    assert_eq!(result(&json!({"http": many})), "http: must have at most 1024 rules, got 1025");
}

#[test]
pub(super) fn checks_other_fields() {
    let from = |from: &str| with(json!({"cost": {"from": from}}));
    let reply = |reply: Value| with(json!({"reply": reply}));
    check(vec![
        (
            with(json!({"name": ""})),
            r#"limits[0].name: must be 1 to 63 characters a-z, 0-9 and -, got """#,
        ),
        (
            with(json!({"name": "Login"})),
            r#"limits[0].name: must be 1 to 63 characters a-z, 0-9 and -, got "Login""#,
        ),
        (
            with(json!({"name": "a_b"})),
            r#"limits[0].name: must be 1 to 63 characters a-z, 0-9 and -, got "a_b""#,
        ),
        (
            with(json!({"name": "a".repeat(64)})),
            r#"limits[0].name: must be 1 to 63 characters a-z, 0-9 and -, got "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
        ),
        (
            with(json!({"name": 5})),
            "limits[0].name: must be 1 to 63 characters a-z, 0-9 and -, got 5",
        ),
        (
            with(json!({"window": "sliding"})),
            r#"limits[0].window: must be one of `TOKEN_BUCKET`, `SLIDING`, `FIXED`, got "sliding""#,
        ),
        (
            with(json!({"window": "ROLLING"})),
            r#"limits[0].window: must be one of `TOKEN_BUCKET`, `SLIDING`, `FIXED`, got "ROLLING""#,
        ),
        (
            with(json!({"window": "FIXED", "utcOffset": "Europe/Berlin"})),
            r#"limits[0].utcOffset: must be an offset such as +02:00, at most 14:00, got "Europe/Berlin""#,
        ),
        (
            with(json!({"onMissingKey": "ALLOW"})),
            r#"limits[0].onMissingKey: must be one of `SHARE`, `SKIP`, `DENY`, got "ALLOW""#,
        ),
        (with(json!({"cost": {}})), "limits[0].cost: missing field `from`"),
        (
            with(json!({"cost": {"from": "%CLAIM(a)%", "max": 0}})),
            "limits[0].cost.max: must be a whole number from 1 to 1000000, got 0",
        ),
        (
            with(json!({"cost": {"from": "%CLAIM(a)%", "max": "5"}})),
            r#"limits[0].cost.max: must be a whole number from 1 to 1000000, got "5": leave out the quotes"#,
        ),
        (
            with(json!({"cost": {"from": "%CLAIM(a)%", "default": -1}})),
            "limits[0].cost.default: must be a whole number from 0 to 1000000, got -1",
        ),
        (
            with(json!({"cost": {"from": "%CLAIM(a)%", "min": 1}})),
            "limits[0].cost.min: unknown field `min`, expected one of `from`, `default`, `max`",
        ),
        (with(json!({"cost": {"from": 5}})), "limits[0].cost.from: must be text, got 5"),
        (
            with(json!({"cost": {"from": "%CLAIM(a)%", "default": 5, "max": 4}})),
            "limits[0].cost.default: must be at most max, got 5",
        ),
        (
            with(json!({"cost": {"from": "%CLAIM(a)%", "default": 1_001}})),
            "limits[0].cost.default: must be at most max, got 1001",
        ),
        (
            from("x-cost"),
            r#"limits[0].cost.from: must be one placeholder such as %CLAIM(weight)%, got "x-cost""#,
        ),
        (
            from("%REQ(x-cost)% units"),
            r#"limits[0].cost.from: must be one placeholder such as %CLAIM(weight)%, got "%REQ(x-cost)% units""#,
        ),
        (
            from("%REQ(x-a)%%REQ(x-b)%"),
            r#"limits[0].cost.from: must be one placeholder such as %CLAIM(weight)%, got "%REQ(x-a)%%REQ(x-b)%""#,
        ),
        (from("%REQ(:path)%"), "accepted"),
        (
            from("%RESP(x-cost)%"),
            "limits[0].cost.from: must have no placeholders other than %CLAIM(a.b)%, %REQ(name)%, %PATH(var)%, got %RESP(x-cost)%",
        ),
        (
            from("%CLAIM()%"),
            "limits[0].cost.from: must have no placeholders other than %CLAIM(a.b)%, %REQ(name)%, %PATH(var)%, got %CLAIM()%",
        ),
        (
            from("%PATH(id)%"),
            "limits[0].cost.from: must be in an entry of http whose match has a pathTemplate with {id}",
        ),
        (
            with(json!({"charge": {"status": [401]}})),
            r#"limits[0].charge.status[0]: must be a status code such as "401" or a class such as "5xx", got 401"#,
        ),
        (
            with(json!({"charge": {"status": "401"}})),
            r#"limits[0].charge.status: must be a list, got "401""#,
        ),
        (
            with(json!({"charge": {"status": ["600"]}})),
            r#"limits[0].charge.status[0]: must be a status code such as "401" or a class such as "5xx", got "600""#,
        ),
        (
            with(json!({"charge": {"status": ["4XX"]}})),
            r#"limits[0].charge.status[0]: must be a status code such as "401" or a class such as "5xx", got "4XX""#,
        ),
        (
            with(json!({"charge": {"status": ["é9"]}})),
            r#"limits[0].charge.status[0]: must be a status code such as "401" or a class such as "5xx", got "é9""#,
        ),
        (
            with(json!({"charge": {"grpcStatus": [16]}})),
            "limits[0].charge.grpcStatus[0]: must be the name of a gRPC status such as UNAVAILABLE, got 16: write UNAUTHENTICATED",
        ),
        (
            with(json!({"charge": {"responseHeader": ":status"}})),
            r#"limits[0].charge.responseHeader: must be a header name, not a pseudo-header, got ":status""#,
        ),
        (
            with(json!({"charge": {"max": 5}})),
            "limits[0].charge.max: must not be given without responseHeader",
        ),
        (
            with(json!({"charge": {"responseHeader": "x", "max": 0}})),
            "limits[0].charge.max: must be a whole number from 1 to 1000000, got 0",
        ),
        (with(json!({"requestsFrom": {}})), "limits[0].requestsFrom: missing field `claim`"),
        (
            with(json!({"requestsFrom": {"claim": ""}})),
            r#"limits[0].requestsFrom.claim: must be a claim path such as a.b or [a.b][c], got """#,
        ),
        (
            with(json!({"requestsFrom": {"claim": "a", "max": 0}})),
            "limits[0].requestsFrom.max: must be a whole number from 1 to 1000000, got 0",
        ),
        (
            with(json!({"requestsFrom": {"header": "x-plan"}})),
            "limits[0].requestsFrom.header: unknown field `header`, expected one of `claim`, `default`, `max`; limits[0].requestsFrom: missing field `claim`",
        ),
        (
            with(json!({"requestsFrom": {"claim": "a", "default": 61, "max": 60}})),
            "limits[0].requestsFrom.default: must be at most max, got 61",
        ),
        (
            reply(json!({"httpStatus": 200})),
            "limits[0].reply.httpStatus: must be a whole number from 400 to 599, got 200",
        ),
        (
            reply(json!({"httpStatus": 600})),
            "limits[0].reply.httpStatus: must be a whole number from 400 to 599, got 600",
        ),
        (
            reply(json!({"body": {}})),
            "limits[0].reply.body: must have exactly one of string and bytes",
        ),
        (
            reply(json!({"body": {"string": "x".repeat(65_537)}})),
            "limits[0].reply.body: must be at most 64 KiB",
        ),
        (reply(json!({"body": "busy"})), r#"limits[0].reply.body: must be an object, got "busy""#),
        (
            reply(json!({"headers": {"request": {"set": {"a": "b"}}}})),
            "limits[0].reply.headers.request: must not be given: the request is refused",
        ),
        (
            reply(json!({"headers": {"response": {"remove": ["a"]}}})),
            "limits[0].reply.headers.response.remove: must not be given: the reply has only the headers that are set",
        ),
        (
            reply(json!({"headers": {"response": {"set": {":status": "200"}}}})),
            r#"limits[0].reply.headers.response.set[":status"]: must be a header name, not a pseudo-header, got ":status""#,
        ),
        (reply(json!({"headers": {"response": {"set": {"content-length": "0"}}}})), "accepted"),
    ]);
}
