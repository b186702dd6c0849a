//! Selection of streams and limits of lines.

use super::*;

#[test]
fn filters_percentages_and_errors_select_streams() -> Result<()> {
    let config = json!({"accessLogging": [
        {"filter": {"expression": "response.code >= 400"}, "fields": {"log": {"value": "'codes'"}}},
        {"filter": {"match": [{"headers": {"x-debug": {"exact": "1"}}}]},
            "fields": {"log": {"value": "'debug'"}}},
        {"percentage": {"value": 0}, "fields": {"log": {"value": "'errors'"}}},
        {"disabled": true, "fields": {"log": {"value": "'never'"}}},
        {"match": {"mode": "SERVER"}, "filter": {"expression": "request.headers['x-debug'] == '2'"},
            "fields": {"log": {"value": "'expression'"}}},
    ]});
    let mut fixture = start(1, &config, &[])?;
    let client = fixture.envoy.http1();
    for (status, debug) in [("200", "0"), ("404", "0"), ("500", "1"), ("200", "1"), ("200", "2")] {
        client.send(Request::get("/").header(REPLY_STATUS, status).header("x-debug", debug))?;
    }
    fixture.wait_for("logs_built_total", 6)?;
    let lines = lines(&mut fixture)?;
    let mut logged: Vec<_> = lines
        .iter()
        .map(|line| {
            format!("{} {}", line["log"].as_str().unwrap_or_default(), line["response_code"])
        })
        .collect();
    logged.sort();
    let expected =
        ["codes 404", "codes 500", "debug 200", "debug 500", "errors 500", "expression 200"];
    assert_eq!(logged, expected);
    Ok(())
}

#[test]
fn counts_lines_over_the_limit() -> Result<()> {
    let mut fixture = start(1, &json!({"accessLogging": {"maxPerSecond": 1}}), &[])?;
    let client = fixture.envoy.http1();
    for number in 0..300 {
        let status = if number % 3 == 0 { "500" } else { "200" };
        client.send(Request::get("/").header(REPLY_STATUS, status))?;
    }
    // Both are written together with the count of the last response.
    fixture.wait_for("requests_2xx_total", 200)?;
    let (built, limited) = (fixture.stat("logs_built_total")?, fixture.stat("logs_limited_total")?);
    assert_eq!(built + limited, 300);
    assert!((2..150).contains(&built), "{built} built");
    let lines = lines(&mut fixture)?;
    assert_eq!(u64::try_from(lines.len())?, built);
    for is_error in [true, false] {
        assert!(lines.iter().any(|line| line["error"] == is_error), "{lines:?}");
    }
    Ok(())
}

#[test]
fn logs_the_configured_percentage() -> Result<()> {
    let log = json!({"percentage": {"value": 20}, "maxPerSecond": 10000});
    let mut fixture = start(2, &json!({ "accessLogging": log }), &[])?;
    for _ in 0..1_000 {
        fixture.envoy.http1().get("/")?;
    }
    fixture.wait_for("requests_2xx_total", 1_000)?;
    // Within five standard deviations.
    let built = fixture.stat("logs_built_total")?;
    assert!((137..=263).contains(&built), "{built} of 1000");
    assert_eq!(u64::try_from(lines(&mut fixture)?.len())?, built);
    Ok(())
}

#[test]
fn uses_the_level_of_the_entry() -> Result<()> {
    for (level, word) in [("INFO", "[info][wasm]"), ("WARN", "[warning][wasm]")] {
        let mut fixture = start(1, &json!({"accessLogging": {"level": level}}), &[])?;
        fixture.envoy.http1().get("/level")?;
        let log = fixture.envoy.stop()?;
        // Envoy's own access log has the path too.
        let is_ours =
            |line: &&str| line.contains("][wasm]") && line.contains("\"path\":\"/level\"");
        let line = log.lines().find(is_ours).context("no line")?;
        assert!(line.contains(word), "{line}");
    }
    Ok(())
}
