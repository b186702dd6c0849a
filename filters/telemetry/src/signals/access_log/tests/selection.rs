//! Selection of streams.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn selects(
    document: &str,
    record: &Record,
    is_error: bool,
    draw: u32,
) -> Result<Option<LogReason>, EvaluationError> {
    let (log, reads) = log(document);
    let status = record.status.map(|status| ("response.code", Value::Int(status.into())));
    let attributes = stream(&reads, status.as_slice());
    let headers = Headers::from_iter([("x-debug", "1")]);
    let request = Request { headers, ..Request::default() };
    log.selects(
        &LoggedStream {
            ended: CompletedStream { record, attributes: &attributes, request: &request },
            is_error,
        },
        draw,
    )
}

#[test]
fn filter_always_and_percentage_select_streams() {
    let codes = r#""filter": {"expression": "response.code >= 400"}"#;
    let header = r#""filter": {"match": [{"headers": {"x-debug": {"exact": "1"}}}]}"#;
    let ten = r#""percentage": {"value": 10}"#;
    let slow = r#""always": {"errors": false, "slowerThan": "12ms"}"#;
    let (sampled, always) = (Ok(Some(LogReason::Sampled)), Ok(Some(LogReason::Always)));
    for (fields, status, is_error, draw, expected) in [
        (vec![], 200, false, 999_999, sampled),
        (vec![], 500, true, 999_999, always),
        (vec![codes], 200, false, 0, Ok(None)),
        (vec![codes], 404, false, 0, sampled),
        // `always` does not override the filter.
        (vec![codes], 200, true, 0, Ok(None)),
        (vec![header], 200, false, 0, sampled),
        (vec![ten], 200, false, 99_999, sampled),
        (vec![ten], 200, false, 100_000, Ok(None)),
        (vec![ten], 200, true, 100_000, always),
        (vec![ten, slow], 200, true, 100_000, always),
        (
            vec![r#""percentage": {"value": 0}"#, r#""always": {"errors": false}"#],
            500,
            true,
            0,
            Ok(None),
        ),
        (vec![r#""always": {"errors": false, "slowerThan": "13ms"}"#], 500, true, 0, sampled),
    ] {
        let document = format!("{{{}}}", fields.join(", "));
        let record = Record { status: Some(status), ..record() };
        assert_eq!(selects(&document, &record, is_error, draw), expected, "{document} {status}");
    }
}

#[test]
fn streams_with_a_failed_filter_are_not_logged() {
    let record = Record { status: None, ..record() };
    let document = r#"{"filter": {"expression": "response.code >= 400"}}"#;
    assert_eq!(selects(document, &record, true, 0), Err(EvaluationError::Missing));
}

#[test]
fn severity_depends_on_error_and_status() {
    let (_, reads) = log("{}");
    let (attributes, request) = (stream(&reads, &[]), Request::default());
    for (status, is_error, expected) in [
        (Some(200), false, Severity::Info),
        (Some(404), false, Severity::Warn),
        (Some(200), true, Severity::Error),
        (None, true, Severity::Error),
        (None, false, Severity::Info),
    ] {
        let record = Record { status, ..record() };
        let ended = LoggedStream {
            ended: CompletedStream { record: &record, attributes: &attributes, request: &request },
            is_error,
        };
        assert_eq!(severity(&ended), expected);
    }
}
