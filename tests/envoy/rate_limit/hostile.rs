//! Malicious requests and configurations.

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};
use tests::{bootstrap::EnvoyOptions, client::Request};

use super::{Fixture, assert_no_trap, entry, filter, limit, requests::statuses};

/// Returns a configuration whose limits read every source of a key that a client writes.
fn every_source() -> Value {
    let keys = json!([{"httpHeaderName": "x-any"}, {"httpCookie": {"name": "id"}},
        {"httpQueryParameterName": "q"}, {"useSourceIp": true}]);
    let cost = json!({"from": "%REQ(x-cost)%", "max": 3});
    let variable = json!([{"pathVariable": "id"}, {"method": true}, {"connection": true}]);
    let limit = |name: &str, key: &Value| json!({"name": name, "requests": 1_000_000, "per": "1s", "key": key, "cost": cost});
    json!({"rateLimitHeaders": "ALL", "limits": [limit("sources", &keys)],
        "explain": [{"headers": {"x-tester": {}}}],
        "http": [{"name": "path", "match": [{"pathTemplate": "/p/{id}"}],
            "limits": [limit("variable", &variable)]}]})
}

#[test]
fn any_byte_in_every_source_of_a_key() -> Result<()> {
    // Otherwise Envoy keeps a connection open for a second after an error.
    let closing = ("delayed_close_timeout".to_owned(), json!("0.02s"));
    let fixture = Fixture::start_options(vec![filter(&every_source())], |options| EnvoyOptions {
        concurrency: 2,
        manager: vec![closing],
        ..options
    })?;
    let client = fixture.envoy.http1();
    // CR and LF would end the line instead of being part of the value.
    for byte in (0x01..=0xFF_u8).filter(|byte| !b"\r\n".contains(byte)) {
        // A client library refuses some of these bytes, so the request is raw.
        let mut bytes = b"GET /p/a".to_vec();
        bytes.extend_from_slice(&[byte, b'?', b'q', b'=', byte]);
        bytes.extend_from_slice(b" HTTP/1.1\r\nhost: a\r\nconnection: close");
        for name in
            ["x-any: a", "cookie: id=", "x-forwarded-for: 10.0.0.1", "x-cost: 1", "x-tester: "]
        {
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(byte);
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        let response = client.raw(&bytes)?;
        let response = String::from_utf8_lossy(&response).into_owned();
        let status = response.split(' ').nth(1);
        let status: u16 = status.and_then(|status| status.parse().ok()).unwrap_or(0);
        // Envoy refuses most control bytes, some without a response.
        let is_control = byte < 0x21 || byte == 0x7F;
        assert!(status == 200 || status == 400 || is_control, "byte {byte:#x}: {status}");
        let [plain, query] = [Request::get("/"), Request::get("/?q=%")].map(|request| {
            let request = request.header("x-any", [b'a', byte]).header("cookie", [byte]);
            request.header("x-forwarded-for", [byte, b':', byte]).header("x-cost", [byte])
        });
        if byte >= 0x80 {
            assert_eq!(statuses(&client, [plain, query])?, [200, 200], "byte {byte:#x}");
        }
    }
    assert_eq!(client.get("/")?.status, 200);
    fixture.wait_for("errors_total", 0)?;
    assert_no_trap(&fixture.envoy);
    Ok(())
}

#[test]
fn huge_and_many_headers() -> Result<()> {
    let fixture = Fixture::start(&every_source())?;
    let client = fixture.envoy.http1();
    let large = "a".repeat(50_000);
    let repeated = (0..90).fold(Request::get("/"), |request, number| {
        request.header("x-any", number.to_string()).header("cookie", format!("id={number}"))
    });
    let parameters = (0..5_000).map(|number| format!("q={number}&")).collect::<String>();
    let requests = [
        Request::get("/").header("x-any", &large),
        Request::get("/").header("cookie", format!("id={large}")),
        Request::get("/").header("x-forwarded-for", "10.0.0.1, ".repeat(4_000)),
        Request::get("/").header("x-cost", "9".repeat(50_000)),
        Request::get(&format!("/?{parameters}")),
        Request::get(&format!("/p/{large}")),
        Request::new(Method::from_bytes("M".repeat(200).as_bytes())?, "/p/a"),
        repeated,
    ];
    for request in requests {
        let status = client.send(request)?.status;
        // Envoy itself limits the number and the size of headers.
        assert!([200, 400, 431].contains(&status), "{status}");
    }
    assert_eq!(client.get("/")?.status, 200);
    fixture.wait_for("errors_total", 0)?;
    assert_no_trap(&fixture.envoy);
    Ok(())
}

#[test]
fn no_spelling_of_a_key_adds_units() -> Result<()> {
    let config = json!({"http": [
        entry("header", json!({"requests": 2, "per": "1h", "key": [{"httpHeaderName": "x-user"}]})),
        entry("cookie", json!({"requests": 2, "per": "1h", "key": [{"httpCookie": {"name": "id"}}]})),
    ]});
    let fixture = Fixture::start(&config)?;
    let client = fixture.envoy.http1();
    let user = |name: &str, value: &str| Request::get("/header").header(name, value);
    // Header names are case-insensitive, and blanks around values are not part of them.
    let same =
        [user("x-user", "a"), user("X-USER", "a"), user("x-user", " a"), user("x-user", "a ")];
    assert_eq!(statuses(&client, same)?, [200, 200, 429, 429]);
    let cookie = |value: &str| Request::get("/cookie").header("cookie", value);
    let same = [cookie("id=a"), cookie("x=1; id=a"), cookie("id=a;"), cookie(" id=a ; y=2")];
    assert_eq!(statuses(&client, same)?, [200, 200, 429, 429]);
    Ok(())
}

#[test]
fn no_configuration_traps() -> Result<()> {
    let mut fixture = Fixture::start(&every_source())?;
    let pointers = [
        "/limits",
        "/limits/0",
        "/limits/0/requests",
        "/limits/0/per",
        "/limits/0/key",
        "/limits/0/key/0",
        "/limits/0/cost",
        "/http/0/match/0",
        "/http/0/limits/0/name",
        "/rateLimitHeaders",
    ];
    let values = [json!(null), json!([]), json!({}), json!(-1), json!("\u{0}\u{ff}"), json!(1e300)];
    for (index, pointer) in pointers.iter().enumerate() {
        for value in values.iter().skip(index % 3).step_by(3) {
            let mut document = every_source();
            *document.pointer_mut(pointer).context("no such value")? = value.clone();
            // Accepted or rejected, Envoy must keep serving.
            let _ = fixture.envoy.reconfigure(&[filter(&document)]);
            assert_eq!(fixture.envoy.http1().get("/")?.status, 200, "{document}");
        }
    }
    let full = limit(json!({"name": "pages", "requests": 1, "per": "1s", "maxKeys": 262_144,
        "key": [{"useSourceIp": true}]}));
    fixture.envoy.reconfigure(&[filter(&full)])?;
    assert_eq!(fixture.envoy.http1().get("/")?.status, 200);
    assert_no_trap(&fixture.envoy);
    Ok(())
}
