//! Changes to admitted requests.

use base64::Engine as _;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{
    Admission, Metric,
    algorithm::Algorithm,
    testing::{NOW, bearer, claims, document, request, tester, token, with},
};

fn admitted(fields: Value, claims: &Value) -> Admission {
    let token = token(Algorithm::EdDsa, claims);
    tester(&document(fields)).send(&bearer(&token)).0.admission()
}

/// The value of an output header for a claim, with additional fields of the output.
fn written(claim: Value, fields: Value) -> Option<String> {
    let output = fields
        .as_object()
        .unwrap()
        .iter()
        .fold(json!({"header": "x-out", "claim": "a.b"}), |output, (name, value)| {
            with(output, name, value.clone())
        });
    let claims = with(claims(), "a", json!({"b": claim}));
    let admission = admitted(json!({"outputClaimToHeaders": [output]}), &claims);
    let value = admission.edits.set.into_iter().find(|(name, _)| name.as_str() == "x-out");
    value.map(|(_, value)| String::from_utf8(value).unwrap())
}

#[test]
fn formats_claims() {
    let list = json!(["a", 1, true]);
    for (claim, format, value) in [
        (json!("alice"), "SCALAR", Some("alice")),
        (json!("ä\"\\"), "SCALAR", Some("ä\"\\")),
        (json!(7), "SCALAR", Some("7")),
        (json!(-1.5), "SCALAR", Some("-1.5")),
        (json!(false), "SCALAR", Some("false")),
        (json!(null), "SCALAR", None),
        (json!(""), "SCALAR", None),
        (json!("a\nb"), "SCALAR", None),
        (list.clone(), "SCALAR", None),
        (json!({"x": 1}), "SCALAR", None),
        (list.clone(), "CSV", Some("a,1,true")),
        (json!(["a,b"]), "CSV", None),
        (json!([["a"]]), "CSV", None),
        (json!([]), "CSV", None),
        (json!("a"), "CSV", Some("a")),
        (json!(7), "CSV", Some("7")),
        (json!("a,b"), "CSV", None),
        (json!({"x": 1}), "CSV", None),
        (json!(["a", "b "]), "CSV", None),
        (json!(" a"), "CSV", None),
        (json!(" a"), "SCALAR", None),
        (json!("a "), "SCALAR", None),
        (json!("a b"), "SCALAR", Some("a b")),
        (json!(" a"), "JSON", Some("\" a\"")),
        (list.clone(), "JSON", Some(r#"["a",1,true]"#)),
        (json!({"ä": "😀\n"}), "JSON", Some(r#"{"\u00e4":"\ud83d\ude00\n"}"#)),
        (json!("a"), "JSON", Some("\"a\"")),
        (list, "BASE64_JSON", Some("WyJhIiwxLHRydWVd")),
    ] {
        let found = written(claim.clone(), json!({"format": format}));
        assert_eq!(found.as_deref(), value, "{format} {claim}");
    }
}

/// Signs claims with this number in `a.b`.
fn with_number(number: &str) -> String {
    let claims = claims().to_string().replacen('{', &format!("{{\"a\":{{\"b\":{number}}},"), 1);
    crate::testing::sign(Algorithm::EdDsa, r#"{"alg":"EdDSA"}"#, &claims)
}

#[test]
fn numbers_keep_the_digits_of_the_token() {
    for number in [
        "7",
        "-0",
        "1.10",
        "1e3",
        "1E-07",
        "9007199254740993",
        "18446744073709551616",
        "18446744073709551617",
        "12345678901234567890123",
    ] {
        let token = with_number(number);
        let output = |name: &str, format| json!({"header": name, "claim": "a.b", "format": format});
        let fields = json!({"outputClaimToHeaders": [
            output("x-scalar", "SCALAR"), output("x-csv", "CSV"), output("x-json", "JSON"),
            {"header": "x-object", "claim": "a", "format": "JSON"},
        ]});
        let admission = tester(&document(fields)).send(&bearer(&token)).0.admission();
        let object = format!("{{\"b\":{number}}}");
        for ((name, value), wanted) in
            admission.edits.set.iter().zip([number, number, number, object.as_str()])
        {
            assert_eq!(std::str::from_utf8(value), Ok(wanted), "{}", name.as_str());
        }
        let published = filter_core::parse_exact(&admission.identity.unwrap()).unwrap();
        assert_eq!(published["claims"]["a"]["b"], number);
        let condition = |member: &str, value: &str| {
            let when = json!([{"key": "request.auth.claims[a][b]", member: [value]}]);
            let rules = json!([{"when": when}]);
            tester(&with(document(json!({})), "rules", rules)).bearer(&token).is_none()
        };
        assert!(condition("values", number) && !condition("notValues", number), "{number}");
        let another = format!("{number}9");
        assert!(!condition("values", &another) && condition("notValues", &another), "{number}");
    }
}

#[test]
fn writes_the_default_for_claims_that_do_not_fit() {
    for (claim, value) in [
        (json!(null), Some("none")),
        (json!([1]), Some("none")),
        (json!("x"), Some("x")),
        (json!("xxxxx"), None),
    ] {
        let fields = json!({"default": "none", "maxBytes": 4});
        assert_eq!(written(claim.clone(), fields).as_deref(), value, "{claim}");
    }
}

#[test]
fn counts_unusable_values_with_and_without_a_default() {
    for (claim, default, skipped) in [
        (json!([1]), json!(null), 1),
        (json!([1]), json!("none"), 1),
        (json!(" alice"), json!(null), 1),
        (json!(null), json!(null), 0),
        (json!(null), json!("none"), 0),
        (json!("alice"), json!("none"), 0),
    ] {
        let output = with(json!({"header": "x-a", "claim": "list"}), "default", default);
        let fields = json!({"outputClaimToHeaders": [output]});
        let token = token(Algorithm::EdDsa, &with(claims(), "list", claim.clone()));
        let (_, counts) = tester(&document(fields)).send(&bearer(&token));
        let found = counts.iter().filter(|metric| **metric == Metric::OutputsSkipped).count();
        assert_eq!(found, skipped, "{claim}");
    }
}

#[test]
fn omits_principals_with_outer_spaces() {
    let fields = json!({"outputPrincipalToHeader": "x-who"});
    for (subject, is_written) in [("alice", true), ("a lice", true), ("alice ", false)] {
        let set = admitted(fields.clone(), &with(claims(), "sub", json!(subject))).edits.set;
        assert_eq!(!set.is_empty(), is_written, "{subject:?}");
    }
}

#[test]
fn writes_payload_and_principal() {
    let fields = json!({"outputPayloadToHeader": "x-payload", "outputPrincipalToHeader": "x-who"});
    let add = admitted(fields.clone(), &claims()).edits.set;
    let value = |name| add.iter().find(|(n, _)| n.as_str() == name).unwrap().1.clone();
    let token = token(Algorithm::EdDsa, &claims());
    assert_eq!(value("x-payload"), token.split('.').nth(1).unwrap().as_bytes());
    assert_eq!(value("x-who"), b"https://idp.example.com/alice");
    let padded = with(fields.clone(), "padOutputPayload", json!(true));
    for length in 0..4 {
        let claims = with(claims(), "x", json!("x".repeat(length)));
        let payload = &admitted(padded.clone(), &claims).edits.set[0].1;
        let decoded = base64::engine::general_purpose::URL_SAFE.decode(payload).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&decoded).unwrap(), claims);
    }
    let anonymous = admitted(fields, &with(claims(), "sub", Value::Null)).edits.set;
    assert!(!anonymous.iter().any(|(name, _)| name.as_str() == "x-who"));
}

#[test]
fn always_strips_inbound_output_headers() {
    let fields = json!({"outputClaimToHeaders": [{"header": "X-User", "claim": "sub"}]});
    let stripped = |headers| {
        let strip = tester(&document(fields.clone())).send(&headers).0.admission().strip;
        let is_stripped = |wanted: &&str| strip.iter().any(|name| name.as_str() == *wanted);
        ["x-user", "x-jwt-signature-verified"].iter().all(is_stripped)
    };
    assert!(stripped(request("/", [("x-user", "eve")])));
    assert!(stripped(bearer(&token(Algorithm::EdDsa, &claims()))));
    let mut preflight = request("/", [("origin", "https://a"), ("authorization", "Bearer x")]);
    preflight.push("access-control-request-method", "GET");
    let others = preflight.iter().filter(|(name, _)| *name != b":method");
    let mut preflight: filter_core::Headers = others.collect();
    preflight.push(":method", "OPTIONS");
    assert!(stripped(preflight));
}

#[test]
fn removes_the_output_headers_from_connection() {
    let fields = json!({"outputClaimToHeaders": [{"header": "X-User", "claim": "sub"}]});
    let mut tester = tester(&document(fields));
    assert!(tester.policy.needs().headers.contains("connection"));
    for (values, rest) in [
        (&["upgrade"][..], None),
        (&["upgrade, x-user"], Some("upgrade")),
        (&["X-User , Upgrade", "x-jwt-signature-verified"], Some("Upgrade")),
        (&["x-user"], Some("")),
        (&["x-user2, x_user"], None),
    ] {
        let values = values.iter().map(|value| ("connection", *value));
        let edits = tester.send(&request("/", values.clone())).0.admission().edits;
        let is_removed = edits.remove.iter().any(|name| name.as_str() == "connection");
        assert_eq!(is_removed, rest.is_some(), "{rest:?}");
        let added: Vec<_> = edits.add.iter().map(|(_, value)| &value[..]).collect();
        let wanted = rest.filter(|rest| !rest.is_empty());
        assert_eq!(added, Vec::from_iter(wanted.map(str::as_bytes)));
    }
}

#[test]
fn strips_trailers_except_in_a_dry_run() {
    let fields = json!({"outputClaimToHeaders": [{"header": "X-User", "claim": "sub"}]});
    let owned_headers = |dry_run: bool| {
        let tester = tester(&with(document(fields.clone()), "dryRun", json!(dry_run)));
        tester.policy.owned_headers().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(owned_headers(false), ["x-jwt-signature-verified", "x-user"]);
    assert!(owned_headers(true).is_empty());
}

#[test]
fn publishes_the_identity_as_configured() {
    let rich = with(with(claims(), "scope", json!("a b")), "scp", json!(["c"]));
    let published = |publish: &str, claims: &Value| {
        let document = with(document(json!({"name": "corp"})), "publish", json!(publish));
        let token = token(Algorithm::EdDsa, claims);
        let identity = tester(&document).send(&bearer(&token)).0.admission().identity;
        identity.map(|json| serde_json::from_slice::<Value>(&json).unwrap())
    };
    let identity = json!({
        "v": 1, "provider": "corp", "principal": "https://idp.example.com/alice",
        "iss": "https://idp.example.com", "sub": "alice", "aud": ["orders"],
        "scopes": ["a", "b", "c"], "exp": NOW + 600,
    });
    assert_eq!(published("NONE", &rich), None);
    assert_eq!(published("IDENTITY", &rich), Some(identity.clone()));
    assert_eq!(published("CLAIMS", &rich), Some(with(identity.clone(), "claims", rich)));
    let large = with(claims(), "x", json!("x".repeat(33_000)));
    let mut roomy = tester(&with(document(json!({})), "maxTokenBytes", json!(61440)));
    let token = token(Algorithm::EdDsa, &large);
    let json = roomy.send(&bearer(&token)).0.admission().identity.unwrap();
    assert!(
        !serde_json::from_slice::<Value>(&json)
            .unwrap()
            .as_object()
            .unwrap()
            .contains_key("claims")
    );
}

#[test]
fn dry_run_counts_but_changes_nothing() {
    let fields = json!({"outputClaimToHeaders": [{"header": "x-user", "claim": "sub"}]});
    let mut tester = tester(&with(document(fields), "dryRun", json!(true)));
    let (answer, _) = tester.send(&bearer(&token(Algorithm::EdDsa, &claims())));
    assert_eq!(answer.admission(), Admission::default());
    let (answer, counts) = tester.send(&bearer("a.b.c"));
    assert_eq!(answer.admission(), Admission::default());
    assert_eq!(counts, [Metric::DryRunDenied]);
}
