//! Errors and warnings of configurations.

use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::testing::{compile, document, jwks, named_key, rule, warnings, with};

mod fetching;
#[cfg(not(target_arch = "wasm32"))]
mod schema;

fn message(document: &Value) -> String {
    compile(document).err().map_or_else(|| "accepted".to_owned(), |error| error.to_string())
}

fn in_rule(fields: Value) -> Value {
    document(fields)
}

fn in_rules(fields: Value) -> Value {
    with(document(json!({})), "rules", json!([fields]))
}

/// Checks that documents are refused with these messages after a path.
fn refused(shape: impl Fn(Value) -> Value, prefix: &str, cases: Vec<(Value, &str)>) {
    for (fields, expected) in cases {
        assert_eq!(message(&shape(fields.clone())), format!("{prefix}{expected}"), "{fields}");
    }
}

#[test]
fn refuses_invalid_documents() {
    let good = || rule(json!({"name": "a"}));
    let misplaced = "must not be given: it belongs to the WasmPlugin, not to pluginConfig";
    let entries = "jwtRules: must have 1 to 256 entries";
    for (document, expected) in [
        (json!({}), entries.to_owned()),
        (json!({"jwtRules": []}), entries.to_owned()),
        (
            json!({"jwtRules": [good(), good()]}),
            "jwtRules[1].name: must be unique, got \"a\"".to_owned(),
        ),
        (with(document(json!({})), "selector", json!({})), format!("selector: {misplaced}")),
        (with(document(json!({})), "targetRef", json!({})), format!("targetRef: {misplaced}")),
        (with(document(json!({})), "targetRefs", json!([])), format!("targetRefs: {misplaced}")),
        (
            with(document(json!({})), "maxTokens", json!(9)),
            "maxTokens: must be a whole number from 1 to 8, got 9".to_owned(),
        ),
        (
            with(document(json!({})), "maxTokenBytes", json!(255)),
            "maxTokenBytes: must be a whole number from 256 to 61440, got 255".to_owned(),
        ),
        (
            with(document(json!({})), "tokenCache", json!({"ttl": "2h"})),
            "tokenCache.ttl: must be between 0s and 1h, got \"2h\"".to_owned(),
        ),
        (
            with(document(json!({})), "replies", json!({"realm": "a\"b"})),
            "replies.realm: must be at most 256 characters of printable ASCII without quotes \
             and backslashes, got \"a\\\"b\""
                .to_owned(),
        ),
        (
            with(document(json!({})), "replies", json!({"resourceMetadata": "/x"})),
            "replies.resourceMetadata: must be an absolute http or https URL, got \"/x\""
                .to_owned(),
        ),
        (
            with(document(json!({})), "rules", json!([])),
            "rules: must have 1 to 1024 entries".into(),
        ),
    ] {
        assert_eq!(message(&document), expected);
    }
}

#[test]
fn refuses_invalid_jwt_rules() {
    let write = "must not write to";
    let text = "must be non-empty text, got \"\"";
    refused(
        in_rule,
        "jwtRules[0]",
        vec![
            (json!({"issuer": ""}), &format!(".issuer: {text}")),
            (json!({"audiences": [""]}), &format!(".audiences[0]: {text}")),
            (json!({"jwks": {}}), ".jwks: must be a string with a JSON key set"),
            (json!({"jwks": "{\"keys\":[]}"}), ".jwks: holds no usable key"),
            (json!({"keys": []}), ": must have one of jwks and keys, got both"),
            (
                json!({"name": "A"}),
                ".name: must be 1 to 63 characters of a-z, 0-9 and -, got \"A\"",
            ),
            (
                json!({"fromHeaders": [{"name": "x y"}]}),
                ".fromHeaders[0].name: must be a header name, got \"x y\"",
            ),
            (
                json!({"fromHeaders": [{"name": ":path"}]}),
                ".fromHeaders[0].name: must be a header name, not a pseudo-header, got \":path\"",
            ),
            (
                json!({"fromHeaders": [{"name": "x", "prefix": "p".repeat(65)}]}),
                ".fromHeaders[0].prefix: must have at most 64 bytes",
            ),
            (json!({"fromParams": [""]}), &format!(".fromParams[0]: {text}")),
            (
                json!({"padOutputPayload": true}),
                ".padOutputPayload: must not be given without outputPayloadToHeader",
            ),
            (
                json!({"outputClaimToHeaders": [{"header": "x", "claim": "a", "default": " b"}]}),
                ".outputClaimToHeaders[0].default: must not begin or end with a space",
            ),
            (json!({"fromCookies": ["a b"]}), ".fromCookies[0]: must be a cookie name"),
            (json!({"fromCookies": [{"name": "a b"}]}), ".fromCookies[0]: must be a cookie name"),
            (
                json!({"fromCookies": ["a", {"name": "b", "prefix": "p".repeat(65)}]}),
                ".fromCookies[1].prefix: must have at most 64 bytes",
            ),
            (
                json!({"outputPayloadToHeader": "host"}),
                ".outputPayloadToHeader: must not be host, which the route decides, got \"host\"",
            ),
            (
                json!({"outputPayloadToHeader": "authorization"}),
                &format!(": {write} authorization, which contains tokens"),
            ),
            (
                json!({"outputPrincipalToHeader": "x-jwt-signature-verified"}),
                &format!(": {write} x-jwt-signature-verified"),
            ),
            (
                json!({"outputClaimToHeaders": [{"header": "x!", "claim": "a"}]}),
                ".outputClaimToHeaders[0].header: must have only letters, digits, - and _",
            ),
            (
                json!({"outputClaimToHeaders": [{"header": "x", "claim": "a..b"}]}),
                ".outputClaimToHeaders[0].claim: must be a claim path such as a.b or [a.b][c], \
             got \"a..b\"",
            ),
            (
                json!({"outputClaimToHeaders": [{"header": "x", "claim": "a", "default": "ä"}]}),
                ".outputClaimToHeaders[0].default: must be printable ASCII",
            ),
            (
                json!({"outputPayloadToHeader": "x", "outputPrincipalToHeader": "X"}),
                ": must not write header x twice",
            ),
            (json!({"algorithms": []}), ".algorithms: must not be empty"),
            (
                json!({"algorithms": ["none"]}),
                ".algorithms[0]: must be a signature algorithm such as RS256, ES256, EdDSA or HS256, \
             got \"none\"",
            ),
            (
                json!({"algorithms": ["ES512"]}),
                ".algorithms[0]: must be supported by a key, got \"ES512\"",
            ),
            (json!({"tokenTypes": []}), ".tokenTypes: must have 1 to 8 entries"),
            (json!({"subjects": []}), ".subjects: must have 1 to 64 entries"),
            (json!({"scopeClaims": []}), ".scopeClaims: must have 1 to 8 entries"),
            (json!({"revocation": {"jti": []}}), ".revocation.jti: must have 1 to 10000 entries"),
            (json!({"clockSkew": "11m"}), ".clockSkew: must be between 0s and 10m, got \"11m\""),
            (json!({"maxAge": "0s"}), ".maxAge: must be between 1s and 8760h, got \"0s\""),
        ],
    );
}

#[test]
fn refuses_invalid_keys() {
    let shape = |key: Value| in_rule(json!({"jwks": null, "keys": [key]}));
    let pem = named_key("p256")["pem"].as_str().unwrap();
    let secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    refused(
        shape,
        "jwtRules[0].keys[0]",
        vec![
            (json!({}), ": must have exactly one of pem, secret and secretEnv"),
            (
                json!({"pem": pem, "secret": secret}),
                ": must have exactly one of pem, secret and secretEnv",
            ),
            (json!({"secret": secret}), ".alg: is required for a secret"),
            (json!({"secret": 12345, "alg": "HS256"}), ".secret: must be text"),
            (
                json!({"secret": secret, "alg": "HS512"}),
                ".secret: secret must have at least as many bytes as the digest: 32, 48 or 64",
            ),
            (
                json!({"secret": "!", "alg": "HS256"}),
                ".secret: secret must be standard base64 of the raw bytes; for another form set \
                 secretEncoding",
            ),
            (
                json!({"secret": "x".repeat(64), "alg": "HS256", "secretEncoding": "HEX"}),
                ".secret: secret must be two hexadecimal digits for each byte",
            ),
            (
                json!({"secretEnv": "SECRET", "alg": "HS256", "secretEncoding": "HEX"}),
                ".secretEnv: secret must be two hexadecimal digits for each byte",
            ),
            (
                json!({"pem": pem, "secretEncoding": "TEXT"}),
                ".secretEncoding: must not be given together with pem",
            ),
            (
                json!({"secretEnv": "UNSET", "alg": "HS256"}),
                ".secretEnv: variable UNSET is not set",
            ),
            (json!({"pem": pem, "alg": "RS256"}), ".pem: [alg] does not fit the key"),
            (
                json!({"pem": "x"}),
                ".pem: must be one PEM block labelled PUBLIC KEY or RSA PUBLIC KEY",
            ),
        ],
    );
    assert_eq!(message(&shape(json!({"pem": pem}))), "accepted");
    assert_eq!(message(&shape(json!({"secretEnv": "SECRET", "alg": "HS256"}))), "accepted");
    for encoding in ["BASE64", "BASE64URL", "HEX", "TEXT"] {
        let key = json!({"secret": "0".repeat(64), "alg": "HS256", "secretEncoding": encoding});
        assert_eq!(message(&shape(key)), "accepted", "{encoding}");
    }
}

#[test]
fn warns_of_hexadecimal_secrets_and_hides_them() {
    let digits = "0123456789abcdef".repeat(4);
    let warned = |key: Value| {
        let policy = compile(&in_rule(json!({"jwks": null, "keys": [key]}))).unwrap();
        let warnings = warnings(&policy);
        assert!(!warnings.contains(&digits[..16]), "{warnings}");
        warnings.contains("keys[0].secret: is read as base64")
    };
    assert!(warned(json!({"secret": digits, "alg": "HS256"})));
    assert!(!warned(json!({"secret": digits, "alg": "HS256", "secretEncoding": "BASE64"})));
    assert!(!warned(json!({"secret": digits, "alg": "HS256", "secretEncoding": "HEX"})));
    assert!(!warned(json!({"secretEnv": "SECRET", "alg": "HS256"})));
}

#[test]
fn refuses_invalid_rules() {
    let required = "needs token: REQUIRED";
    let with_none = "must not be given together with token: NONE";
    refused(
        in_rules,
        "rules[0]",
        vec![
            (
                json!({"token": "OPTIONAL", "scopes": {"all": ["a"]}}),
                &format!(".scopes: {required}"),
            ),
            (
                json!({"token": "NONE", "providers": {"any": ["jwt-0"]}}),
                &format!(".providers: {with_none}"),
            ),
            (json!({"token": "NONE", "audiences": ["a"]}), &format!(".audiences: {with_none}")),
            (json!({"providers": {}}), ".providers: must have exactly one of any and all"),
            (
                json!({"providers": {"any": ["x"]}}),
                ".providers.any[0]: must be a name of jwtRules, got \"x\"",
            ),
            (json!({"providers": {"any": []}}), ".providers.any: must not be empty"),
            (
                json!({"providers": {"all": ["jwt-0", "jwt-0"]}}),
                ".providers.all[1]: must be unique, got \"jwt-0\"",
            ),
            (
                json!({"token": "OPTIONAL", "providers": {"all": ["jwt-0"]}}),
                &format!(".providers.all: {required}"),
            ),
            (json!({"audiences": []}), ".audiences: must not be empty"),
            (json!({"scopes": {}}), ".scopes: must have all or any"),
            (json!({"scopes": {"all": ["a b"]}}), ".scopes.all[0]: must be a scope (RFC 6749)"),
            (json!({"requestPrincipals": []}), ".requestPrincipals: must not be empty"),
            (json!({"when": []}), ".when: must not be empty"),
            (
                json!({"when": [{"key": "request.auth.principal"}]}),
                ".when[0]: must have values, notValues or match",
            ),
            (
                json!({"when": [{"key": "source.ip", "values": ["a"]}]}),
                ".when[0].key: must be request.auth.principal, request.auth.audiences, \
             request.auth.presenter or request.auth.claims[..]; conditions on the request itself \
             belong to match",
            ),
            (json!({"when": [{"any": []}]}), ".when[0].any: must not be empty"),
            (
                json!({"when": [{"key": "request.auth.principal", "values": []}]}),
                ".when[0].values: must not be empty",
            ),
            (json!({"stepUp": {}}), ".stepUp: must have acrValues or maxAge"),
            (
                json!({"match": [{"claims": {"sub": {"exact": "a"}}}]}),
                ".match[0].claims: must not be given: claims are not verified yet; use when of a rule",
            ),
        ],
    );
}

#[test]
fn reports_several_errors_together() {
    let document = json!({"jwtRules": [rule(json!({"algorithms": []}))], "rules": []});
    let message = message(&document);
    assert!(
        message.contains("jwtRules[0].algorithms: ") && message.contains("; rules: "),
        "{message}"
    );
}

#[test]
fn warns_of_insecure_settings() {
    let warnings = |document: &Value| warnings(&compile(document).unwrap());
    let plain = warnings(&in_rule(json!({})));
    assert!(plain.contains("requests without a token pass"), "{plain}");
    assert!(plain.contains("jwks: key 4: everyone who can read the configuration"), "{plain}");
    let rules = warnings(&in_rules(json!({})));
    assert!(!rules.contains("without a token"), "{rules}");
    assert!(!plain.contains(named_key("secret")["private"].as_str().unwrap()));
}

#[test]
fn errors_hide_key_sets_and_secrets() {
    let secret = named_key("secret")["private"].as_str().unwrap();
    for document in [
        json!({"jwtRules": [{"jwks": jwks(), "keys": [{"secret": secret}]}]}),
        json!({"jwtRules": [{"keys": [{"secret": secret, "alg": "RS256"}]}]}),
        json!({"jwtRules": [{"jwks": {"keys": [{"k": secret}]}}]}),
        json!({"jwtRules": [{"jwks": json!(secret).to_string()}]}),
    ] {
        let message = message(&document);
        assert!(message != "accepted" && !message.contains(secret), "{message}");
    }
}
