//! Units that are taken at the response.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::GrpcStatus;

use super::*;

fn parts(status: u16) -> ResponseParts<'static> {
    ResponseParts { status: Some(status), ..ResponseParts::default() }
}

fn grpc(status: GrpcStatus) -> ResponseParts<'static> {
    ResponseParts { status: Some(200), grpc_status: Some(status), header: None }
}

#[test]
fn a_response_that_matches_is_charged() {
    let unauthenticated = GrpcStatus::Unauthenticated;
    for (charge, response, units) in [
        (json!({}), parts(200), Some(1)),
        (json!({"status": ["401"]}), parts(401), Some(1)),
        (json!({"status": ["401"]}), parts(403), None),
        (json!({"status": ["4xx", "500"]}), parts(499), Some(1)),
        (json!({"status": ["4xx", "500"]}), parts(500), Some(1)),
        (json!({"status": ["4xx", "500"]}), parts(501), None),
        (json!({"status": ["5xx"]}), parts(600), None),
        (json!({"grpcStatus": ["UNAUTHENTICATED"]}), grpc(unauthenticated), Some(1)),
        (json!({"grpcStatus": ["UNAUTHENTICATED"]}), grpc(GrpcStatus::Ok), None),
        (json!({"grpcStatus": ["UNAUTHENTICATED"]}), parts(401), None),
        (
            json!({"status": ["401"], "grpcStatus": ["UNAUTHENTICATED"]}),
            grpc(unauthenticated),
            Some(1),
        ),
        (json!({"status": ["401"], "grpcStatus": ["UNAUTHENTICATED"]}), parts(401), Some(1)),
        (json!({"status": ["401"]}), ResponseParts::default(), None),
    ] {
        let policy = policy(&json!({"limits": [limit("a", json!({"charge": charge}))]}));
        let draw = plan(&policy, &request(&[])).draws[0];
        assert!(draw.is_charged && draw.amount.cost == 1, "{charge}");
        assert_eq!(policy.charge(&draw, response), units, "{charge} {response:?}");
    }
}

#[test]
fn the_response_header_has_the_units() {
    let charge = json!({"responseHeader": "x-tokens", "max": 500});
    let policy = policy(&json!({"limits": [limit("a", json!({"charge": charge}))]}));
    let draw = plan(&policy, &request(&[])).draws[0];
    assert_eq!(policy.charge_header(&draw).map(HeaderName::as_str), Some("x-tokens"));
    for (value, units) in [
        (Some("0"), 0),
        (Some("17"), 17),
        (Some("17.2"), 18),
        (Some("501"), 500),
        (Some("99999999999999999999999"), 500),
        (Some("-1"), 1),
        (Some("many"), 1),
        (Some(""), 1),
        (None, 1),
    ] {
        let response = ResponseParts { header: value.map(str::as_bytes), ..parts(200) };
        assert_eq!(policy.charge(&draw, response), Some(units), "{value:?}");
    }
}

#[test]
fn a_draw_without_a_charge_is_never_charged() {
    let policy = policy(&json!({"limits": [limit("a", json!({}))]}));
    let draw = plan(&policy, &request(&[])).draws[0];
    assert_eq!(policy.charge(&draw, parts(200)), None);
    assert!(policy.charge_header(&draw).is_none() && !policy.charges_by_grpc_status(&draw));
}
