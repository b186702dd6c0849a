#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::{Value, json};

use super::{message, refused};
use crate::testing::{document, jwks, with};

/// A configuration with an entry without inline keys and with additional fields.
fn in_fetching_rule(fields: Value) -> Value {
    let rule = json!({"issuer": "https://idp.example.com"});
    let members = fields.as_object().unwrap().iter();
    let rule = members.fold(rule, |rule, (name, value)| with(rule, name, value.clone()));
    json!({"jwtRules": [rule]})
}

#[test]
pub(super) fn refuses_invalid_sources_of_keys() {
    let url = "must be an http or https URL of at most 2048 bytes without user information and \
               fragment";
    let discover = "must have jwksUri, jwks or keys, or an exact issuer to discover keys from";
    let no_url =
        "must be an http or https URL to discover keys from; otherwise set jwksUri, jwks or keys";
    refused(
        in_fetching_rule,
        "jwtRules[0]",
        vec![
            (json!({"jwksUri": "ftp://a"}), &format!(".jwksUri: {url}, got \"ftp://a\"")),
            (json!({"jwks_uri": "https://u@a"}), &format!(".jwks_uri: {url}, got \"https://u@a\"")),
            (json!({"jwksUri": "https://a#b"}), &format!(".jwksUri: {url}, got \"https://a#b\"")),
            (
                json!({"jwksUri": "https://a", "jwks": jwks()}),
                ".jwksUri: must not be given together with jwks or keys",
            ),
            (
                json!({"jwksUri": "https://[::1]/"}),
                ".jwksUri: must have a host that a cluster name can contain; otherwise set \
                 jwtRules[0].jwksFetch.cluster",
            ),
            (json!({"issuer": null}), &format!(": {discover}")),
            (json!({"issuer": {"prefix": "https://a"}}), &format!(": {discover}")),
            (json!({"issuer": "me@example.com"}), &format!(".issuer: {no_url}")),
            (json!({"timeout": "99ms"}), ".timeout: must be between 100ms and 1m, got \"99ms\""),
            (
                json!({"algorithms": ["HS256"]}),
                ".algorithms[0]: must be supported by a key, got \"HS256\"",
            ),
        ],
    );
}

#[test]
pub(super) fn refuses_invalid_fetches_of_keys() {
    let in_fetch = |fields: Value| in_fetching_rule(json!({"jwksFetch": fields}));
    refused(
        in_fetch,
        "jwtRules[0].jwksFetch",
        vec![
            (
                json!({"service": "a", "port": 80, "cluster": "b"}),
                ".cluster: must not be given together with service, port or subset",
            ),
            (json!({"service": "a"}), ".port: is required with service"),
            (json!({"port": 80}), ".service: is required with port or subset"),
            (json!({"maxPause": "9ms"}), ".maxPause: must be between 10ms and 1m, got \"9ms\""),
            (
                json!({"cacheDuration": "29s"}),
                ".cacheDuration: must be between 30s and 24h, got \"29s\"",
            ),
            (
                json!({"staleIfError": "169h"}),
                ".staleIfError: must be between 0s and 168h, got \"169h\"",
            ),
            (
                json!({"unknownKidInterval": "2h"}),
                ".unknownKidInterval: must be between 0s and 1h, got \"2h\"",
            ),
            (
                json!({"unknownKidInterval": "1ms"}),
                ".unknownKidInterval: must be 0s or between 1s and 1h",
            ),
        ],
    );
    let in_header = |header: Value| in_fetch(json!({"headers": [header]}));
    let printable = "must be 1 to 4096 bytes of printable ASCII without leading or trailing blanks";
    refused(
        in_header,
        "jwtRules[0].jwksFetch.headers[0]",
        vec![
            (json!({"name": "x"}), ": must have exactly one of value and valueEnv"),
            (
                json!({"name": "x", "value": "a", "valueEnv": "SECRET"}),
                ": must have exactly one of value and valueEnv",
            ),
            (json!({"name": "x", "valueEnv": "UNSET"}), ".valueEnv: variable UNSET is not set"),
            (json!({"name": "x", "value": ""}), &format!(".value: {printable}")),
            (json!({"name": "x", "value": "a\r\nb: c"}), &format!(".value: {printable}")),
            (json!({"name": "x", "value": "a "}), &format!(".value: {printable}")),
            (json!({"name": "x", "value": "\u{e4}"}), &format!(".value: {printable}")),
            (json!({"name": "x", "value": 7}), ".value: must be text"),
            (
                json!({"name": "If-None-Match", "value": "a"}),
                ".name: must not be a header that the fetch sets",
            ),
            (
                json!({"name": "host", "value": "a"}),
                ".name: must not be host, which the route decides, got \"host\"",
            ),
        ],
    );
    let twice = json!([{"name": "x", "value": "a"}, {"name": "X", "value": "b"}]);
    let text = message(&in_fetch(json!({"headers": twice})));
    assert_eq!(text, "jwtRules[0].jwksFetch.headers[1].name: must be unique");
    let text = message(&in_fetch(json!({"headers": []})));
    assert_eq!(text, "jwtRules[0].jwksFetch.headers: must have 1 to 16 entries");
    let inline = document(json!({"jwksFetch": {}}));
    let text = "jwtRules[0].jwksFetch: must not be given together with jwks or keys";
    assert_eq!(message(&inline), text);
}

#[test]
pub(super) fn refuses_invalid_deny_lists() {
    let in_revocation = |fields: Value| document(json!({"revocation": fields}));
    refused(
        in_revocation,
        "jwtRules[0].revocation",
        vec![
            (json!({}), ": must have jti or uri"),
            (
                json!({"jti": ["a"], "cluster": "b"}),
                ".uri: is required with service, port, subset, cluster, refreshInterval or \
                 staleIfError",
            ),
            (json!({"uri": "https://a", "port": 1}), ".service: is required with port or subset"),
            (
                json!({"uri": "https://a", "refreshInterval": "4s"}),
                ".refreshInterval: must be between 5s and 24h, got \"4s\"",
            ),
        ],
    );
}

#[test]
fn accepts_fetched_documents() {
    for fields in [
        json!({}),
        json!({"jwksUri": "https://idp.example.com/keys"}),
        json!({"jwks_uri": "http://idp.example.com:8080/keys?x=1"}),
        json!({"issuer": {"suffix": "x"}, "jwksUri": "https://a"}),
        json!({"jwksFetch": {"headers": [{"name": "X-Api-Key", "valueEnv": "SECRET"}]}}),
        json!({"jwksFetch": {"headers": [{"name": "accept", "value": "*/*"}]}}),
        json!({"jwksFetch": {"service": "idp", "port": 443, "subset": "v1"}, "algorithms": ["ES256"]}),
        json!({"revocation": {"jti": ["a"], "uri": "https://a/revoked"}}),
    ] {
        assert_eq!(message(&in_fetching_rule(fields.clone())), "accepted", "{fields}");
    }
}
