//! Redaction of values, and fields that must not be logged.

use std::collections::BTreeSet;

use super::*;

const USER: &str = "request.headers['authorization']";

#[test]
fn hashes_agree_between_workers_but_not_between_proxies() -> Result<()> {
    let config = json!({"accessLogging": {"maxPerSecond": 1000, "fields": {
        "user": {"value": USER, "redact": "HASH"},
        "downstream_remote_address": {"redact": "TRUNCATE_IP"},
        "user_agent": {"redact": "MASK"},
    }}});
    let mut proxies = BTreeSet::new();
    for _ in 0..2 {
        let mut fixture = start(4, &config, &[])?;
        for _ in 0..40 {
            let request = Request::get("/").header("authorization", "Bearer secret-token");
            fixture.envoy.http1().send(request.header("user-agent", "me"))?;
        }
        let log = fixture.envoy.stop()?;
        assert!(!log.contains("secret-token"), "{log}");
        let lines = lines(&mut fixture)?;
        assert_eq!(lines.len(), 40);
        let text = |line: &Value, name: &str| line[name].as_str().map(str::to_owned);
        let hashes: BTreeSet<_> = lines.iter().filter_map(|line| text(line, "user")).collect();
        assert_eq!(hashes.len(), 1, "{hashes:?}");
        assert!(hashes.iter().all(|hash| hash.len() == 16), "{hashes:?}");
        proxies.extend(hashes);
        for line in &lines {
            assert_eq!(text(line, "downstream_remote_address").as_deref(), Some("127.0.0.0"));
            assert_eq!(text(line, "user_agent").as_deref(), Some("***"));
        }
    }
    assert_eq!(proxies.len(), 2);
    Ok(())
}

#[test]
fn a_configured_key_makes_hashes_agree_between_proxies() -> Result<()> {
    let config = json!({
        "redaction": {"key": "0123456789abcdef"},
        "accessLogging": {"fields": {"user": {"value": "request.headers['x-user']", "redact": "HASH"}}}
    });
    let mut fixture = start(1, &config, &[])?;
    fixture.envoy.http1().send(Request::get("/").header("x-user", "alice"))?;
    // printf alice | openssl dgst -sha256 -hmac 0123456789abcdef
    assert_eq!(lines(&mut fixture)?[0]["user"], HASH_OF_ALICE);
    Ok(())
}

const HASH_OF_ALICE: &str = "fdbf8b1cacd3d578";

#[test]
fn rejects_fields_that_expose_credentials() -> Result<()> {
    let mut fixture = start(1, &json!({}), &[])?;
    for (text, redact) in [
        (USER, json!(null)),
        (USER, json!("MASK")),
        ("request.headers['Cookie']", json!(null)),
        ("'x' + response.headers['set-cookie']", json!("TRUNCATE_IP")),
        ("request.auth.claims['sub']", json!(null)),
        ("request.auth.principal", json!(null)),
        ("filter_state['wasm.weir.jwt']", json!(null)),
    ] {
        let field = match redact {
            Value::Null => json!({"value": text}),
            redact => json!({"value": text, "redact": redact}),
        };
        let fields = json!({"x": field});
        let log = fixture
            .envoy
            .expect_rejection(&[filter(&json!({"accessLogging": {"fields": fields}}))])?;
        let message = "accessLogging[0].fields.x.value: must not show a credential or an identity";
        assert!(
            log.contains(message) || log.contains("accessLogging.fields.x.value"),
            "{text}: {log}"
        );
    }
    Ok(())
}
