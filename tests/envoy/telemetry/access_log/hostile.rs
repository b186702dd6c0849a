//! Malicious requests and configurations.

use super::*;

#[test]
fn escapes_any_bytes_within_one_line() -> Result<()> {
    let config = json!({"accessLogging": {"maxPerSecond": 10000, "fields": {
        "any": {"value": "request.headers['x-any']"},
        "lower": {"value": "request.headers['x-any'].lowerAscii()"},
        "match": {"value": "request.headers['x-any'].matches('a+')"},
        "size": {"value": "size(request.headers['x-any'])"},
        "number": {"value": "int(request.headers['x-any'])"},
        "baggage": {"value": "baggage['k']"},
    }}});
    let mut fixture = start(1, &config, &[])?;
    let client = fixture.envoy.http1();
    for byte in 0x80..=0xFF_u8 {
        let request = Request::get("/").header("x-any", [b'a', byte]).header("user-agent", [byte]);
        let request = request.header("baggage", [b'k', b'=', byte, b'%', b'x']);
        assert_eq!(client.send(request)?.status, 200, "byte {byte:#x}");
    }
    for text in ["\"}\\", "{\"path\":\"/forged\"}", "\u{2028}", "\t"] {
        client.send(Request::get("/").header("x-any", text))?;
    }
    let lines = lines(&mut fixture)?;
    assert_eq!(lines.len(), 132);
    assert!(lines.iter().all(|line| line["path"] == "/"), "{lines:?}");
    assert_eq!(lines[0]["any"], "a\u{fffd}");
    assert_eq!(lines[128]["any"], "\"}\\");
    Ok(())
}

#[test]
fn truncates_long_lines() -> Result<()> {
    let mut fixture = start(1, &json!({"accessLogging": {}}), &[])?;
    let long = "u".repeat(20_000);
    fixture.envoy.http1().send(Request::get("/cut").header("user-agent", &long))?;
    // func-e forwards the log in pieces of 4 KiB and logs signals in between.
    fixture.envoy.wait_for_log("\"truncated\":true}")?;
    let log = fixture.envoy.stop()?;
    // The access log of the proxy has the path as well.
    let mut lines = log.lines().filter_map(|line| line.split_once("telemetry: "));
    let line = lines.find(|(_, line)| line.contains("\"path\":\"/cut\""));
    let (_, line) = line.context("no line")?;
    assert!((8_000..=8_192).contains(&line.len()), "{}", line.len());
    assert!(line.ends_with("\"truncated\":true}"));
    Ok(())
}

#[test]
fn no_configuration_traps() -> Result<()> {
    let mut fixture = start(1, &json!({}), &[])?;
    let deep = |open: &str, middle: &str, close: &str, times: usize| {
        format!("{}{middle}{}", open.repeat(times), close.repeat(times))
    };
    for text in [
        deep("[", "1", "]", 500),
        deep("true ? true : ", "true", "", 70),
        deep("a?", "a", ":a", 250),
        deep("1 + ", "1", "", 250),
        deep("-", "a", "", 1_000),
        deep("a.", "a", "", 500),
        deep("f(", "1", ")", 340),
        deep("a.f(", "1", ")", 200),
        deep("{'a':", "1", "}", 160),
        deep("!(", "true", ")", 300),
        "'a'.matches('((((((((((a{100}){100}){100}){100}){100}){100}){100}){100}){100}){100})')"
            .into(),
        format!("'a'.matches('{}')", "(".repeat(900)),
        "\u{0}".into(),
    ] {
        let config = json!({"accessLogging": {"filter": {"expression": text}}});
        let log = fixture.envoy.expect_rejection(&[filter(&config)])?;
        assert!(log.contains("accessLogging"), "{text}: {log}");
        assert!(!log.contains("panicked") && !log.contains("Uncaught"), "{text}: {log}");
    }
    // Enclosing parentheses do not count as depth.
    let flat = deep("(", "1 == 1", ")", 500);
    let config = json!({"accessLogging": {"filter": {"expression": flat}}});
    fixture.envoy.reconfigure(&[filter(&config)])?;
    assert_eq!(fixture.envoy.http1().get("/")?.status, 200);
    Ok(())
}
