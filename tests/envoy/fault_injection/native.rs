//! Clients get the same responses from this filter as from Envoy's own fault filter.

use std::time::{Duration, Instant};

use anyhow::Result;
use hyper::Method;
use serde_json::{Value, json};
use tests::{
    bootstrap::{EnvoyOptions, Filter},
    client::{Client, Request, Response},
    envoy::Envoy,
    upstream::Upstream,
};

use super::{all, filter, with};

/// Returns Envoy's fault filter with this configuration.
pub(super) fn native_fault(config: Value) -> Filter {
    let kind = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
    let config = with(config, "@type", json!(kind));
    Filter::native(json!({"name": "envoy.filters.http.fault", "typed_config": config}))
}

/// An Envoy with this filter and one with Envoy's own, before the same application.
struct Pair {
    ours: Envoy,
    native: Envoy,
    _app: Upstream,
}

impl Pair {
    /// Starts this filter with `fault` for requests with `x-tester`, and Envoy's own with `config`.
    fn start(fault: Value, config: Value) -> Result<Self> {
        let app = Upstream::start()?;
        let tester = json!([{"headers": {"x-tester": {}}}]);
        let document = json!({"http": [{"match": tester, "fault": all(fault)}]});
        let start = |filter| Envoy::start(EnvoyOptions::new(app.address(), vec![filter]));
        Ok(Self {
            ours: start(filter(&document))?,
            native: start(native_fault(config))?,
            _app: app,
        })
    }

    /// Sends the same requests to both and compares the responses.
    fn compare(&self, requests: &[Request]) -> Result<()> {
        for protocol in [Envoy::http1, Envoy::http2] {
            self.compare_by(protocol, requests)?;
        }
        Ok(())
    }

    /// Like [`Pair::compare`], with one protocol.
    fn compare_by(&self, protocol: fn(&Envoy) -> Client, requests: &[Request]) -> Result<()> {
        for request in requests {
            let request = request.clone().header("x-tester", "1");
            let ours = observe(protocol(&self.ours), &request)?;
            let native = observe(protocol(&self.native), &request)?;
            assert_eq!(ours, native, "this filter, then Envoy's own, for {request:?}");
        }
        Ok(())
    }
}

/// Sends a request. Returns the response as [`comparable`] does, and whether it was delayed.
fn observe(client: Client, request: &Request) -> Result<Value> {
    let mut started = Instant::now();
    let mut response = client.send(request.clone())?;
    // On a busy machine any single request may be slow.
    let mut slow = started.elapsed() >= DELAY;
    for _ in 0..4 {
        if slow {
            started = Instant::now();
            response = client.send(request.clone())?;
            slow = started.elapsed() >= DELAY;
        }
    }
    let mut parts = comparable(&response);
    if let Some(parts) = parts.as_array_mut() {
        parts.push(json!(slow));
    }
    Ok(parts)
}

/// Returns the status, comparable headers, body and gRPC status of a response.
fn comparable(response: &Response) -> Value {
    let mut headers: Vec<_> = response.headers.iter().collect();
    headers.retain(|(name, _)| !["date", "x-envoy-upstream-service-time"].contains(&name.as_str()));
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    let upstream = response.text().starts_with("{\"bodyLength\"");
    let body = if upstream { APP_BODY.to_owned() } else { response.text() };
    let headers = if upstream { Vec::new() } else { headers };
    json!([response.status, headers, body, response.grpc_status()])
}

fn requests() -> Vec<Request> {
    vec![Request::get("/"), Request::new(Method::HEAD, "/")]
}

/// Placeholder of the application's body, which depends on the request.
const APP_BODY: &str = "the application's";
/// Minimum time of a delayed request. Below 80 ms because Envoy's clock is coarse.
const DELAY: Duration = Duration::from_millis(75);
const ALL: &str = "HUNDRED";
const GRPC: &str = "x-envoy-fault-abort-grpc-request";

#[test]
fn aborts_match_native() -> Result<()> {
    let share = json!({"numerator": 100, "denominator": ALL});
    for (ours, native) in [
        (json!({"httpStatus": 503}), json!({"http_status": 503})),
        (json!({"httpStatus": 404}), json!({"http_status": 404})),
        (json!({"httpStatus": 200}), json!({"http_status": 200})),
        (json!({"grpcStatus": "UNAVAILABLE"}), json!({"grpc_status": 14})),
        (json!({"grpcStatus": "PERMISSION_DENIED"}), json!({"grpc_status": 7})),
    ] {
        let mut abort = native;
        abort["percentage"] = share.clone();
        let proxies = Pair::start(json!({"abort": ours}), json!({"abort": abort}))?;
        proxies.compare(&requests())?;
        proxies.compare_by(Envoy::http2, &[Request::grpc("/a.B/C")])?;
    }
    Ok(())
}

#[test]
fn delays_match_native_with_and_without_an_abort() -> Result<()> {
    let share = json!({"numerator": 100, "denominator": ALL});
    let delay = json!({"fixedDelay": "80ms"});
    let native = json!({"fixed_delay": "0.080s", "percentage": share});
    let proxies = Pair::start(json!({"delay": delay}), json!({"delay": native}))?;
    proxies.compare(&[Request::get("/")])?;
    proxies.compare_by(Envoy::http2, &[Request::grpc("/a.B/C")])?;
    let abort = json!({"http_status": 500, "percentage": share});
    let both = json!({"delay": native, "abort": abort});
    Pair::start(json!({"delay": delay, "abort": {"httpStatus": 500}}), both)?.compare(&requests())
}

#[test]
fn fault_headers_match_native() -> Result<()> {
    let share = json!({"numerator": 100, "denominator": ALL});
    let proxies = Pair::start(
        json!({"delay": {"headerDelay": {}}, "abort": {"headerAbort": {}},
            "responseRateLimit": {"headerLimit": {}}}),
        json!({"delay": {"header_delay": {}, "percentage": share},
            "abort": {"header_abort": {}, "percentage": share},
            "response_rate_limit": {"header_limit": {}, "percentage": share}}),
    )?;
    let delay = "x-envoy-fault-delay-request";
    let abort = "x-envoy-fault-abort-request";
    let rate = "x-envoy-fault-throughput-response";
    let cases: [&[(&str, &str)]; 21] = [
        &[],
        &[(abort, "418")],
        &[(abort, "200")],
        &[(abort, "199")],
        &[(abort, "600")],
        &[(abort, "banana")],
        &[(abort, "")],
        &[(GRPC, "4")],
        &[(GRPC, "16")],
        &[(abort, "503"), (GRPC, "4")],
        &[(abort, "x"), (GRPC, "4")],
        &[(delay, "80")],
        &[(delay, "0")],
        &[(delay, "banana")],
        &[(delay, "-80")],
        &[(delay, "80"), (abort, "503")],
        &[(abort, "503"), ("x-envoy-fault-abort-request-percentage", "0")],
        &[(abort, "503"), ("x-envoy-fault-abort-request-percentage", "100")],
        &[(abort, "503"), ("x-envoy-fault-abort-request-percentage", "banana")],
        &[(delay, "80"), ("x-envoy-fault-delay-request-percentage", "0")],
        &[(rate, "0")],
    ];
    let requests = cases.map(|headers| {
        let request = Request::get("/");
        headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    });
    proxies.compare(&requests)?;
    let grpc = cases.map(|headers| {
        let call = Request::grpc("/a.B/C");
        headers.iter().fold(call, |call, (name, value)| call.header(name, value))
    });
    proxies.compare_by(Envoy::http2, &grpc)?;
    // Envoy accepts any number as a gRPC status, this filter only existing ones.
    let strange = Request::get("/").header("x-tester", "1").header(GRPC, "17");
    let response = proxies.ours.http1().send(strange)?;
    assert!(response.text().contains("bodyLength"), "{}", response.text());
    Ok(())
}

#[test]
fn random_fault_headers_match_native() -> Result<()> {
    let share = json!({"numerator": 100, "denominator": ALL});
    let proxies = Pair::start(
        json!({"delay": {"headerDelay": {}}, "abort": {"headerAbort": {}}}),
        json!({"delay": {"header_delay": {}, "percentage": share},
            "abort": {"header_abort": {}, "percentage": share}}),
    )?;
    let values = [
        "",
        "0",
        "1",
        "16",
        "5",
        "80",
        "100",
        "199",
        "200",
        "204",
        "418",
        "503",
        "599",
        "600",
        "banana",
        "-1",
        "1.5",
        "0x10",
        "99999999999999999999",
        "\u{e9}",
    ];
    let names = [
        "x-envoy-fault-abort-request",
        GRPC,
        "x-envoy-fault-abort-request-percentage",
        "x-envoy-fault-delay-request-percentage",
    ];
    let mut generator = fault_injection::Generator::new(31);
    let mut below = |count: usize| {
        usize::try_from(generator.bits()).unwrap_or_default().checked_rem(count).unwrap_or_default()
    };
    let mut met = 0_u32;
    for _ in 0..300 {
        let grpc = below(3) == 0;
        let mut request = if grpc { Request::grpc("/a.B/C") } else { Request::get("/") };
        for name in names {
            let value = values.get(below(values.len())).copied().unwrap_or_default();
            // Other percentages are random, and gRPC statuses above 16 are a known difference.
            let is_share = name.ends_with("percentage");
            let is_drawn = is_share && !["0", "100", "banana", ""].contains(&value);
            let is_strange = name == GRPC && value.len() > 1 && value != "16";
            if below(2) == 0 && !is_drawn && !is_strange {
                request = request.header(name, value);
            }
        }
        let request = request.header("x-tester", "1");
        let protocol = if grpc { Envoy::http2 } else { Envoy::http1 };
        let [ours, native] = [&proxies.ours, &proxies.native].map(|envoy| {
            protocol(envoy).send(request.clone()).map(|response| comparable(&response))
        });
        let (ours, native) = (ours?, native?);
        assert_eq!(ours, native, "this filter, then Envoy's own, for {request:?}");
        met = met.saturating_add(u32::from(ours.get(2) != Some(&json!(APP_BODY))));
    }
    assert!(met > 50, "{met} of 300 met a fault");
    Ok(())
}

#[test]
fn rate_limit_headers_match_native() -> Result<()> {
    let share = json!({"numerator": 100, "denominator": ALL});
    let proxies = Pair::start(
        json!({"responseRateLimit": {"headerLimit": {}}}),
        json!({"response_rate_limit": {"header_limit": {}, "percentage": share}}),
    )?;
    let rate = "x-envoy-fault-throughput-response";
    let requests =
        ["1", "100000", "0", "banana", "-1"].map(|value| Request::get("/").header(rate, value));
    proxies.compare(&requests)?;
    let never = Request::get("/").header(rate, "1");
    let never = never.header("x-envoy-fault-throughput-response-percentage", "0");
    proxies.compare(&[never])
}

#[test]
fn differs_as_documented_in_the_readme() -> Result<()> {
    let share = json!({"numerator": 100, "denominator": ALL});
    // A number with a sign or a space; HTTP/1.1 strips spaces.
    let proxies = Pair::start(
        json!({"abort": {"headerAbort": {}}}),
        json!({"abort": {"header_abort": {}, "percentage": share}}),
    )?;
    let signed = Request::get("/").header("x-tester", "1");
    let signed = signed.header("x-envoy-fault-abort-request", "+418");
    let statuses = |proxies: &Pair, request: &Request| -> Result<(u16, u16)> {
        let [ours, native] = [&proxies.ours, &proxies.native].map(Envoy::http1);
        Ok((ours.send(request.clone())?.status, native.send(request.clone())?.status))
    };
    assert_eq!(statuses(&proxies, &signed)?, (200, 418));
    let spaced = Request::get("/").header("x-tester", "1");
    let spaced = spaced.header("x-envoy-fault-abort-request", "418 ");
    let [ours, native] = [&proxies.ours, &proxies.native].map(Envoy::http2);
    assert_eq!(ours.send(spaced.clone())?.status, 200);
    assert_eq!(native.send(spaced)?.status, 418);
    Ok(())
}

#[test]
fn header_conditions_match_native() -> Result<()> {
    let share = json!({"numerator": 100, "denominator": ALL});
    let app = Upstream::start()?;
    let exact = json!([{"headers": {"x-role": {"exact": "tester"}}}]);
    let ours = json!({"http": [{"match": exact,
        "fault": all(json!({"abort": {"httpStatus": 418}}))}]});
    let native = json!({"abort": {"http_status": 418, "percentage": share},
        "headers": [{"name": "x-role", "string_match": {"exact": "tester"}}]});
    let start = |filter| Envoy::start(EnvoyOptions::new(app.address(), vec![filter]));
    let proxies =
        Pair { ours: start(filter(&ours))?, native: start(native_fault(native))?, _app: app };
    let none = Request::get("/");
    let (once, other) =
        (none.clone().header("x-role", "tester"), none.clone().header("x-role", "user"));
    let twice = [once.clone().header("x-role", "user"), other.clone().header("x-role", "tester")];
    let joined = none.clone().header("x-role", "tester,user");
    // Envoy before 1.37 joins the values of a header that occurs twice.
    proxies.compare(&[none, once, other, joined])?;
    proxies.compare(&twice)
}
