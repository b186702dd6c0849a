#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn the_end_of_the_window_is_in_the_statuses_or_in_a_header() {
    let status = |code, seconds: u64, out: &mut Vec<u8>| {
        message(2, out, |out| {
            varint(1, code, out);
            message(4, out, |out| varint(1, seconds, out));
        });
    };
    let reset = |code, resets: &[(u64, u64)], value: &str| {
        let body = framed(|out| {
            varint(1, code, out);
            resets.iter().for_each(|(code, seconds)| status(*code, *seconds, out));
            header(3, b"X-RateLimit-Reset", value.as_bytes(), out);
        });
        read_body(&body, resets.len()).unwrap().until_reset().as_secs()
    };
    assert_eq!(reset(1, &[(1, 60), (1, 20)], "5"), 20);
    assert_eq!(reset(2, &[(2, 60), (1, 3600), (2, 20)], "5"), 60);
    assert_eq!(reset(2, &[(1, 60)], "5"), 5);
    assert_eq!(reset(1, &[], "5"), 5);
    assert_eq!(reset(1, &[(1, u64::MAX >> 1)], "5"), 5);
    for value in ["", "soon", "-1", "1.5", "1764388800", "99999999999999999999999"] {
        assert_eq!(reset(1, &[], value), 1, "{value:?}");
    }
}

#[test]
fn the_remaining_units_are_known_only_with_a_limit() {
    let remaining = |limit: bool, units: u64, value: &str| {
        let answer = read(|out| {
            message(2, out, |out| {
                if limit {
                    message(2, out, |out| varint(1, 9, out));
                }
                varint(3, units, out);
            });
            header(3, b"x-ratelimit-remaining", value.as_bytes(), out);
        });
        answer.remaining()
    };
    assert_eq!(remaining(true, 0, "7"), Some(0));
    assert_eq!(remaining(false, 3, "7"), Some(3));
    assert_eq!(remaining(false, u64::MAX, "7"), Some(u32::MAX));
    assert_eq!(remaining(false, 0, "7"), Some(7));
    assert_eq!(remaining(false, 0, "x"), None);
}

#[test]
fn a_multiplied_unit_is_unknown() {
    for (multiplier, unit) in [(1, Unit::Hour), (3, Unit::Unknown)] {
        let answer = read(|out| {
            message(2, out, |out| {
                message(2, out, |out| {
                    varint(2, 3, out);
                    message(4, out, |out| varint(1, multiplier, out));
                });
            });
        });
        assert_eq!(answer.statuses[0].limit.unwrap().unit, unit);
    }
}
