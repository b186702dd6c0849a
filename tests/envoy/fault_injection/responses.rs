//! Faults in the response phase, and request bodies during a delay.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use tests::{
    bootstrap::Setup,
    client::{Client, Request, Response},
    envoy::Envoy,
    ports,
    server::{Server, full},
    upstream::REPLY_STATUS,
};

use super::{Rig, all, always, filter};

/// Starts an application that responds with a body of this many bytes.
fn answering(bytes: usize) -> Result<Server> {
    let body: Vec<u8> = (0..bytes).map(|index| index as u8).collect();
    Server::start(ports::listen(0)?, move |_| {
        let body = body.clone();
        async move { hyper::Response::new(full(body)) }
    })
}

fn envoy(app: &Server, fault: Value) -> Result<Envoy> {
    Envoy::start(Setup::new(app.address(), vec![filter(&always(fault))]))
}

fn both(envoy: &Envoy) -> [Client; 2] {
    [envoy.http1(), envoy.http2()]
}

fn is_start_of_body(answer: &Response) -> bool {
    answer.body.iter().enumerate().all(|(index, byte)| *byte == index as u8)
}

#[test]
fn the_answer_is_held_after_the_work_was_done() -> Result<()> {
    let rig = Rig::start(&always(json!({"delay": {"fixedDelay": "150ms", "phase": "RESPONSE"}})))?;
    for client in both(&rig.envoy) {
        let begun = Instant::now();
        assert_eq!(client.get("/")?.status, 200);
        assert!(begun.elapsed() >= Duration::from_millis(150));
    }
    assert_eq!((rig.app.count(), rig.stat("active")?), (2, 0));
    Ok(())
}

#[test]
fn the_answer_is_replaced_with_and_without_a_delay() -> Result<()> {
    let abort = json!({"httpStatus": 502, "phase": "RESPONSE", "body": {"string": "lost"},
        "headers": {"response": {"set": {"retry-after": "3"}}}});
    let delay = json!({"fixedDelay": "50ms", "phase": "RESPONSE"});
    for fault in [json!({"abort": abort}), json!({"abort": abort, "delay": delay})] {
        let rig = Rig::start(&always(fault))?;
        for client in both(&rig.envoy) {
            let answer = client.get("/")?;
            assert_eq!((answer.status, answer.text().as_str()), (502, "lost"));
            assert_eq!(answer.header("retry-after"), Some("3"));
        }
        assert_eq!(rig.app.count(), 2, "the application did not get both requests");
        let answer = rig.envoy.http2().send(Request::grpc("/a.B/C"))?;
        assert_eq!((answer.status, answer.grpc_status()), (200, Some("14")));
    }
    Ok(())
}

#[test]
fn streams_are_reset_in_both_phases() -> Result<()> {
    for (phase, worked) in [("REQUEST", 0), ("RESPONSE", 2)] {
        let mut rig = Rig::start(&always(json!({"abort": {"reset": {}, "phase": phase}})))?;
        for client in both(&rig.envoy) {
            assert!(client.get("/").is_err(), "{phase}");
        }
        assert_eq!(rig.app.count(), worked);
        assert_eq!(rig.stat("resets_total")?, 2);
        let log = rig.envoy.wait_for_access_log(2)?;
        let trace = format!("entry=x;abort=reset;phase={phase}");
        assert!(log.iter().all(|line| line["fault"] == trace.as_str()), "{log:?}");
    }
    Ok(())
}

#[test]
fn status_headers_and_mark_are_changed() -> Result<()> {
    let change = json!({"response": {"httpStatus": 500,
        "headers": {"response": {"set": {"x-a": "1"}, "remove": ["content-type"]}}}});
    let mut config = always(change);
    config["markHeader"] = json!("x-fault");
    let rig = Rig::start(&config)?;
    for client in both(&rig.envoy) {
        let answer = client.send(Request::get("/").header(REPLY_STATUS, "201"))?;
        assert_eq!((answer.status, answer.header("x-a")), (500, Some("1")));
        assert_eq!(answer.header("content-type"), None);
        assert_eq!(answer.header("x-fault"), Some("entry=x;response=changed;phase=RESPONSE"));
        assert!(answer.text().contains("\"path\":\"/\""), "{}", answer.text());
    }
    Ok(())
}

#[test]
fn bodies_are_replaced_and_cut() -> Result<()> {
    let app = answering(300_000)?;
    for (change, length) in [
        (json!({"body": {"string": "short"}}), 5),
        (json!({"body": {"string": ""}}), 0),
        (json!({"truncateAfter": 0}), 0),
        (json!({"truncateAfter": 100_000}), 100_000),
        (json!({"truncateAfter": 400_000}), 300_000),
        (json!({"resetAfter": 300_000}), 300_000),
    ] {
        let envoy = envoy(&app, json!({"response": change}))?;
        for client in both(&envoy) {
            let answer = client.get("/")?;
            assert_eq!((answer.status, answer.body.len()), (200, length), "{change}");
            let replaced = change.get("body").is_some();
            assert!(replaced || is_start_of_body(&answer), "{change}");
        }
        let head = envoy.http1().send(Request::new(hyper::Method::HEAD, "/"));
        // A response to HEAD has no body, so `resetAfter` resets at the headers.
        let is_reset = change.get("resetAfter").is_some();
        assert_eq!(head.map_or(0, |answer| answer.status), if is_reset { 0 } else { 200 });
    }
    Ok(())
}

#[test]
fn bodies_are_broken_off() -> Result<()> {
    let app = answering(300_000)?;
    let envoy = envoy(&app, json!({"response": {"resetAfter": 1_000}}))?;
    for client in both(&envoy) {
        let answer = client.get("/").map(|answer| (answer.status, answer.body.len()));
        assert!(answer.is_err(), "{client:?}: {answer:?}");
    }
    Ok(())
}

#[test]
fn three_megabytes_at_a_thousand_kib_a_second_take_three_seconds() -> Result<()> {
    let app = answering(3_000 * 1_024)?;
    let limit = all(json!({"responseRateLimit": {"fixedLimit": {"limitKbps": 1_000}}}));
    let envoy = envoy(&app, limit)?;
    for client in both(&envoy) {
        let mut quickest = f64::INFINITY;
        // On a busy machine, one of three attempts must be late by less than 5 %.
        for _ in 0..3 {
            let begun = Instant::now();
            let answer = client.get("/")?;
            let took = begun.elapsed().as_secs_f64();
            assert_eq!(answer.body.len(), 3_000 * 1_024);
            assert!(is_start_of_body(&answer));
            assert!(took >= 3.0, "{took} s");
            quickest = quickest.min(took);
            if quickest < 3.15 {
                break;
            }
        }
        assert!(quickest < 3.15, "{quickest} s");
    }
    let pauses = envoy.stats()?.value("cluster.app.upstream_flow_control_paused_reading_total");
    assert!(pauses > 0, "no backpressure on the application");
    Ok(())
}

#[test]
fn trailers_wait_for_the_body() -> Result<()> {
    // The response of the application has five bytes: 5 / 1024 s.
    let rig = Rig::start(&always(json!({"responseRateLimit": {"fixedLimit": {"limitKbps": 1}}})))?;
    let begun = Instant::now();
    let answer = rig.envoy.http2().send(Request::grpc("/a.B/C"))?;
    assert_eq!((answer.grpc_status(), answer.body.len()), (Some("0"), 5));
    assert!(begun.elapsed() >= Duration::from_micros(4_882), "{:?}", begun.elapsed());
    assert_eq!(rig.stat("active")?, 0);
    Ok(())
}

#[test]
fn an_upload_during_a_delay_is_not_lost() -> Result<()> {
    let rig = Rig::start(&always(json!({"delay": {"fixedDelay": "300ms"}})))?;
    let body = vec![7; 3 * 1024 * 1024];
    for client in both(&rig.envoy) {
        let request = Request::new(hyper::Method::POST, "/").body(&body);
        assert_eq!(client.send(request)?.json()?["bodyLength"], body.len());
    }
    Ok(())
}

#[test]
fn grpc_answers_are_changed_and_cut() -> Result<()> {
    for (change, length) in [(json!({"truncateAfter": 2}), 2), (json!({"httpStatus": 500}), 5)] {
        let rig = Rig::start(&always(json!({"response": change})))?;
        let answer = rig.envoy.http2().send(Request::grpc("/a.B/C"))?;
        assert_eq!((answer.body.len(), answer.grpc_status()), (length, Some("0")), "{change}");
        assert_eq!(answer.status, if length == 5 { 500 } else { 200 }, "{change}");
        assert_eq!(rig.stat("responses_total")?, 1);
    }
    Ok(())
}
