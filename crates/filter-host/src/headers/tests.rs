#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::Generator;

use super::*;
use crate::memory::{Proxy, run_in_stream};

const NAMES: [&str; 6] = ["a", "b", "authorization", ":path", "host", "x"];

fn request() -> Headers {
    Headers::from_iter([(":path", "/"), ("a", "1"), ("b", "2"), ("a", "3"), ("host", "h")])
}

/// Runs random reads and edits. Returns what was read, and the map at the end.
fn session(seed: u64, keeps: bool) -> (Vec<String>, Headers) {
    let _proxy = Proxy::new();
    run_in_stream(request(), || {
        let mut generator = Generator::new(seed);
        let mut below = |max: u64| usize::try_from(generator.bits() % max).unwrap();
        let mut calls = || {
            let mut read = Vec::new();
            for step in 0..20 {
                let name = NAMES[below(6)];
                match below(6) {
                    0 => read.push(format!("{:?}", value(Map::RequestHeaders, name))),
                    1 => read.push(format!("{:?}", all(Map::RequestHeaders))),
                    2 => {
                        let of_name = named(Map::RequestHeaders, |found| found == name.as_bytes());
                        read.push(format!("{of_name:?}"));
                    }
                    3 => set(Map::RequestHeaders, name, format!("s{step}").as_bytes()).unwrap(),
                    4 => add(Map::RequestHeaders, name, format!("a{step}").as_bytes()).unwrap(),
                    _ => remove(Map::RequestHeaders, name).unwrap(),
                }
            }
            read
        };
        if keeps { keep(Map::RequestHeaders, calls) } else { calls() }
    })
}

#[test]
fn a_kept_map_reads_as_the_map_of_the_proxy() {
    for seed in 0..500 {
        assert_eq!(session(seed, true), session(seed, false), "seed {seed}");
    }
}

#[test]
fn a_kept_map_is_read_once_and_only_within_its_scope() {
    let proxy = Proxy::new();
    run_in_stream(request(), || {
        proxy.clear_trace();
        keep(Map::RequestHeaders, || {
            for _ in 0..3 {
                assert_eq!(value(Map::RequestHeaders, "b"), Ok(Some(b"2".to_vec())));
                assert_eq!(value(Map::RequestHeaders, "absent"), Ok(None));
                assert_eq!(all(Map::RequestHeaders).unwrap(), request());
            }
        });
        assert_eq!(proxy.trace().len(), 1);
        assert_eq!(value(Map::RequestHeaders, "b"), Ok(Some(b"2".to_vec())));
        assert_eq!(proxy.trace().len(), 2);
    });
}

#[test]
fn an_edit_that_fails_is_not_kept() {
    for edit in [
        |name| set(Map::RequestHeaders, name, b"9"),
        |name| add(Map::RequestHeaders, name, b"9"),
        |name| remove(Map::RequestHeaders, name),
    ] {
        let proxy = Proxy::new();
        run_in_stream(request(), || {
            keep(Map::RequestHeaders, || {
                assert!(all(Map::RequestHeaders).is_ok());
                proxy.fail(proxy.trace().len(), HostError::InternalFailure);
                assert!(edit("b").is_err());
                assert_eq!(value(Map::RequestHeaders, "b"), Ok(Some(b"2".to_vec())));
            });
        });
    }
}

#[test]
fn a_map_that_cannot_be_read_is_read_again() {
    let proxy = Proxy::new();
    run_in_stream(request(), || {
        keep(Map::RequestHeaders, || {
            proxy.fail(proxy.trace().len(), HostError::InternalFailure);
            assert!(all(Map::RequestHeaders).is_err());
            assert_eq!(all(Map::RequestHeaders).unwrap(), request());
        });
    });
}
