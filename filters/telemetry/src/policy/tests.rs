#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use filter_core::{Headers, Request, parse_config};
use serde_json::{Value as Json, json};

use super::Policy;
use crate::{
    CompletedStream, Config, Ending, Record,
    expression::{Attribute, AttributeCache, AttributeTable, Attributes, Slot, Value},
};

/// A stream with these attributes.
struct Stream<'a> {
    table: &'a AttributeTable,
    cache: AttributeCache,
    known: Vec<(&'a str, Value)>,
}

impl Attributes for Stream<'_> {
    fn value(&self, slot: Slot) -> Option<&Value> {
        let name = self.table.attribute(slot).map(Attribute::to_string)?;
        let known = self.known.iter().find(|(known, _)| *known == name);
        self.cache.get(slot, || known.map(|(_, value)| value.clone()))
    }
}

fn compile(document: &Json) -> Policy {
    let config: Config = parse_config(document.to_string().as_bytes()).unwrap();
    Policy::new(&config, &|_| None).unwrap()
}

/// Returns the measurements of objectives and definitions, and the number of failed expressions.
fn measure(
    policy: &Policy,
    record: &Record,
    known: Vec<(&str, Value)>,
) -> (Vec<Option<bool>>, Vec<Option<u64>>, u32) {
    let stream = Stream {
        table: policy.attribute_table(),
        cache: policy.attribute_table().new_cache(),
        known,
    };
    let request = Request { headers: Headers::from_iter([(":path", "/a")]), ..Request::default() };
    let mut failed = 0_u32;
    let is_error = policy.is_error(record, &stream, || failed = failed.saturating_add(1));
    let ended = CompletedStream { record, attributes: &stream, request: &request };
    let measurements = policy.measure(&ended, is_error, || failed = failed.saturating_add(1));
    (measurements.slos, measurements.definitions, failed)
}

fn answered(status: u16, millis: u64) -> Record {
    Record { status: Some(status), duration: Duration::from_millis(millis), ..Record::default() }
}

#[test]
fn objectives_consider_errors_and_latency() {
    let policy = compile(&json!({"slos": [
        {"name": "all"},
        {"name": "fast", "latency": "300ms"},
        {"name": "a", "filter": {"match": [{"uri": {"exact": "/a"}}]}},
        {"name": "b", "filter": {"match": [{"uri": {"exact": "/b"}}]}},
        {"name": "own", "errorWhen": "response.code == 418"},
    ]}));
    let code = |status| vec![("response.code", Value::Int(status))];
    let (good, bad) = (Some(true), Some(false));
    for (record, known, slos) in [
        (answered(200, 300), code(200), [good, good, good, None, good]),
        (answered(200, 301), code(200), [good, bad, good, None, good]),
        (answered(503, 1), code(503), [bad, bad, bad, None, good]),
        (answered(418, 1), code(418), [good, good, good, None, bad]),
        // The duration of a tunnel is ignored.
        (answered(101, 9_999), code(101), [good, good, good, None, good]),
        (Record { ending: Ending::ClientAborted, ..answered(200, 1) }, code(200), [None; 5]),
    ] {
        assert_eq!(measure(&policy, &record, known).0, slos, "{record:?}");
    }
}

#[test]
fn error_when_falls_back_to_the_default_on_failure() {
    let policy = compile(&json!({"slos": [{"name": "all"}],
        "errorWhen": "int(response.headers['x-code']) > 5"}));
    let header = |text| vec![("response.headers['x-code']", Value::text(text))];
    for (record, known, is_good, failed) in [
        (answered(200, 1), header("6"), false, 0),
        (answered(500, 1), header("5"), true, 0),
        (answered(500, 1), vec![], false, 1),
        (answered(200, 1), header("x"), true, 1),
    ] {
        let found = measure(&policy, &record, known);
        assert_eq!((found.0.as_slice(), found.2), (&[Some(is_good)][..], failed), "{record:?}");
    }
}

#[test]
fn rounds_numbers_down_and_counts_failures() {
    let policy = compile(&json!({"metrics": {"definitions": [
        {"name": "x", "value": "int(response.headers['x'])"},
        {"name": "half", "value": "double(response.headers['x']) / 2.0"},
        {"name": "some", "filter": {"expression": "response.code == 201"}},
    ]}}));
    let known = |text: &str, code| {
        vec![("response.headers['x']", Value::text(text)), ("response.code", Value::Int(code))]
    };
    let record = answered(200, 1);
    for (known, definitions, failed) in [
        (known("7", 201), [Some(7), Some(3), Some(1)], 0),
        (known("-1", 200), [None, None, None], 2),
        (known("9007199254740993", 200), [None, Some(4_503_599_627_370_496), None], 1),
        (known("x", 201), [None, None, Some(1)], 2),
        (vec![], [None, None, None], 3),
    ] {
        let found = measure(&policy, &record, known);
        assert_eq!((found.1.as_slice(), found.2), (&definitions[..], failed));
    }
}
