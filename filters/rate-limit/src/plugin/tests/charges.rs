//! Units that are taken at the response.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;
use serde_json::{Value, json};

use super::{
    Limiter, admits,
    exchange::{OK, Response, exchange},
    limited, ms, start,
};

fn charged(charge: Value) -> Value {
    limited(json!({"per": "1h", "charge": charge}))
}

const FAILED: Response = Response { headers: &[(":status", "401")], trailers: &[] };
const GRPC_FAILED: Response =
    Response { headers: &[(":status", "200")], trailers: &[("grpc-status", "16")] };
const GRPC_ONLY_HEADERS: Response =
    Response { headers: &[(":status", "200"), ("grpc-status", "16")], trailers: &[] };
const GRPC_OK: Response =
    Response { headers: &[(":status", "200")], trailers: &[("grpc-status", "0")] };

/// Returns how many of these responses get through before a request is refused, at most 20.
fn passed(document: &Value, response: Response) -> usize {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, document);
    (0..20).take_while(|_| exchange(&proxy, &mut worker, &[], response).is_forwarded).count()
}

#[test]
fn only_responses_that_match_take_units() {
    for (charge, response, expected) in [
        (json!({"status": ["401"]}), FAILED, 3),
        (json!({"status": ["401"]}), OK, 20),
        (json!({"grpcStatus": ["UNAUTHENTICATED"]}), GRPC_FAILED, 3),
        (json!({"grpcStatus": ["UNAUTHENTICATED"]}), GRPC_ONLY_HEADERS, 3),
        (json!({"grpcStatus": ["UNAUTHENTICATED"]}), GRPC_OK, 20),
        (json!({"status": ["401"], "grpcStatus": ["UNAUTHENTICATED"]}), GRPC_FAILED, 3),
        (json!({"status": ["2xx"], "grpcStatus": ["UNAUTHENTICATED"]}), GRPC_FAILED, 3),
        (json!({}), OK, 3),
    ] {
        assert_eq!(passed(&charged(charge.clone()), response), expected, "{charge}");
    }
}

#[test]
fn the_response_header_has_the_number_of_units() {
    const TWO: Response =
        Response { headers: &[(":status", "200"), ("x-tokens", "2")], trailers: &[] };
    const MANY: Response =
        Response { headers: &[(":status", "200"), ("x-tokens", "900")], trailers: &[] };
    let document = charged(json!({"responseHeader": "x-tokens"}));
    assert_eq!(passed(&document, TWO), 2);
    assert_eq!(passed(&document, MANY), 1);
    assert_eq!(passed(&document, OK), 3);
}

#[test]
fn an_overdraft_lasts_for_at_most_one_period() {
    for window in ["TOKEN_BUCKET", "SLIDING", "FIXED"] {
        let proxy = Proxy::new();
        let document = limited(json!({"per": "8s", "window": window,
            "charge": {"responseHeader": "x-tokens"}}));
        let mut worker = start(&proxy, document);
        const HUGE: Response =
            Response { headers: &[(":status", "200"), ("x-tokens", "1000000")], trailers: &[] };
        exchange(&proxy, &mut worker, &[], HUGE);
        assert!(!admits(&mut worker, &[]), "{window}");
        // A bucket also has to gain one unit.
        proxy.pass(ms(8_000 + 8_000 / 3 + 1));
        assert!(admits(&mut worker, &[]), "{window}");
    }
}

#[test]
fn requests_in_flight_may_overdraw() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, charged(json!({"status": ["401"]})));
    let streams = [(); 10].map(|()| worker.request(&[]));
    for stream in streams {
        assert!(worker.stream(stream).is_forwarded());
        worker.respond(stream, 401);
        worker.end(stream);
    }
    assert!(!admits(&mut worker, &[]));
}

#[test]
fn a_stream_without_a_response_costs_nothing() {
    let proxy = Proxy::new();
    let mut worker = start(&proxy, charged(json!({})));
    let leave = |worker: &mut Limiter| {
        let stream = worker.request(&[]);
        worker.leave(stream).is_forwarded()
    };
    assert!((0..20).all(|_| leave(&mut worker)));
}

#[test]
fn a_charge_is_taken_once() {
    let proxy = Proxy::new();
    let charge = json!({"status": ["200"], "grpcStatus": ["UNAUTHENTICATED"]});
    let mut worker = start(&proxy, charged(charge));
    for _ in 0..2 {
        exchange(&proxy, &mut worker, &[], GRPC_FAILED);
    }
    assert!(admits(&mut worker, &[]), "2 of 3 units are taken");
}
