//! Pasted blocks of Istio in forms that are refused.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
pub(super) fn suggests_the_field_for_protobuf_names() {
    check(vec![
        (
            abort(json!({"http_status": 503})),
            "http[0].fault.abort.http_status: must be written httpStatus",
        ),
        (
            delay(json!({"percentage": {"value": "50"}, "fixed_delay": "5s"})),
            "http[0].fault.delay.fixed_delay: must be written fixedDelay; \
             http[0].fault.delay.percentage.value: must be 0, or from 0.0001 to 100, got \"50\": \
             leave out the quotes",
        ),
        (
            abort(json!({"httpStatus": "503"})),
            "http[0].fault.abort.httpStatus: must be a whole number from 200 to 599, got \"503\": \
             leave out the quotes",
        ),
        (
            entry(json!({"match": [{"ignore_uri_case": true, "without_headers": {"a": {}}}]})),
            "http[0].match[0].ignore_uri_case: must be written ignoreUriCase; \
             http[0].match[0].without_headers: must be written withoutHeaders",
        ),
        (
            entry(
                json!({"match": [{"headers": {"@request.auth.claims[groups]": {"exact": "x"}}}]}),
            ),
            "http[0].match[0].headers[\"@request.auth.claims[groups]\"]: must be a header name: \
             write claims: {\"groups\": …}, or not: {claims: {\"groups\": …}} for withoutHeaders, \
             got \"@request.auth.claims[groups]\"",
        ),
        (
            entry(json!({"direct_response": {}, "mirror_percentage": {}})),
            "http[0].direct_response: must not be given: it stays in the VirtualService; \
             http[0].mirror_percentage: must not be given: it stays in the VirtualService",
        ),
    ]);
}
