#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{
    BatchDraw::{Admitted, Exact, Refused, Wait},
    *,
};
use crate::service::{Code, Rate, Status, Unit};

#[cfg(not(target_arch = "wasm32"))]
mod properties;
#[cfg(not(target_arch = "wasm32"))]
mod simulation;

const START: Duration = Duration::from_secs(100);
const MILLI: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_mins(1);
const MAX_BATCH: u32 = 100;

/// Returns an answer of a service that reports its windows.
fn answer(code: Code, remaining: u32, until_reset: Duration) -> Answer {
    let limit = Some(Rate { requests_per_unit: 1000, unit: Unit::Minute });
    let until_reset = Some(until_reset);
    let status = Status { code, limit_remaining: remaining, until_reset, limit };
    Answer { statuses: vec![status], ..silent_answer(code) }
}

/// Returns an answer of a service that reports only its decision.
fn silent_answer(code: Code) -> Answer {
    Answer {
        code,
        statuses: Vec::new(),
        request_headers: Vec::new(),
        response_headers: Vec::new(),
        raw_body: Vec::new(),
    }
}

fn ok(remaining: u32) -> Answer {
    answer(Code::Ok, remaining, MINUTE)
}

fn over() -> Answer {
    answer(Code::OverLimit, 0, MINUTE)
}

fn batch() -> Batch<&'static str> {
    Batch::new(8)
}

/// Draws until the next call has more than one hit, and admits it.
fn busy(remaining: u32) -> Batch<&'static str> {
    let mut batch = batch();
    (0..40).for_each(|_| assert_eq!(batch.draw(&"a", 1, START), Wait));
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(40));
    assert_eq!(batch.on_answer(&"a", Ok(&ok(remaining)), START), Settled::Redraw);
    (0..40).for_each(|_| assert_eq!(batch.draw(&"a", 1, START), Admitted));
    batch
}

#[test]
fn the_first_request_waits_for_its_own_call() {
    let mut batch = batch();
    assert_eq!(batch.peek(&"a", 1, START), Wait);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), None);
    assert_eq!(batch.draw(&"a", 1, START), Wait);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(1));
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), None, "one in flight");
    assert_eq!(batch.on_answer(&"a", Ok(&ok(999)), START + MILLI), Settled::Redraw);
    assert_eq!(batch.draw(&"a", 1, START + MILLI), Admitted);
    assert_eq!(batch.next_call(&"a", START + MILLI, MAX_BATCH), None, "not ahead of one request");
    assert_eq!(batch.draw(&"a", 1, START + MILLI), Wait);
}

#[test]
fn fetches_the_next_batch_when_half_is_spent() {
    let mut batch = busy(10_000);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(40));
    assert_eq!(batch.on_answer(&"a", Ok(&ok(10_000)), START + MILLI), Settled::Redraw);
    for spent in 1..=20 {
        assert_eq!(batch.next_call(&"a", START + MILLI, MAX_BATCH), None);
        assert_eq!(batch.draw(&"a", 1, START + MILLI), Admitted, "{spent}");
    }
    assert_eq!(batch.next_call(&"a", START + MILLI, MAX_BATCH), Some(60));
}

#[test]
fn a_batch_is_limited_by_recent_use_its_maximum_and_a_share_of_the_rest() {
    for (remaining, max_batch, hits) in [
        (10_000, 100, Some(40)),
        (10_000, 7, Some(7)),
        (160, 100, Some(10)),
        (32, 100, Some(2)),
        (31, 100, None),
        (0, 100, None),
    ] {
        assert_eq!(busy(remaining).next_call(&"a", START, max_batch), hits, "{remaining}");
    }
    let idle = START + Duration::from_millis(200);
    assert_eq!(busy(10_000).next_call(&"a", idle, MAX_BATCH), None);
}

#[test]
fn waiting_requests_are_bought_together_up_to_the_rest() {
    for (remaining, waiting, hits) in [(1_000, 5, 40), (30, 5, 5), (30, 50, 30), (0, 5, 1)] {
        let mut batch = busy(remaining);
        (0..waiting).for_each(|_| assert_eq!(batch.draw(&"a", 1, START), Wait));
        assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(hits), "{remaining} {waiting}");
    }
}

#[test]
fn a_refused_batch_is_asked_once_more_with_one_hit() {
    let mut batch = busy(10_000);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(40));
    assert_eq!(batch.on_answer(&"a", Ok(&over()), START), Settled::AskAgain);
    assert_eq!(batch.draw(&"a", 1, START), Wait);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(1));
    assert_eq!(batch.on_answer(&"a", Ok(&over()), START), Settled::Redraw);
    assert_eq!(batch.draw(&"a", 1, START), Refused { retry_after: MINUTE });
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), None);
    // The limit of the service may be raised before the window ends.
    let later = START + MINUTE / 2;
    assert_eq!(batch.draw(&"a", 1, later - MILLI), Refused { retry_after: MINUTE / 2 + MILLI });
    assert_eq!(batch.draw(&"a", 1, later), Wait);
}

#[test]
fn after_a_refused_batch_the_next_one_has_at_most_half() {
    let mut batch = busy(10_000);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(40));
    assert_eq!(batch.on_answer(&"a", Ok(&over()), START), Settled::AskAgain);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(1));
    let silent = silent_answer(Code::Ok);
    assert_eq!(batch.on_answer(&"a", Ok(&silent), START), Settled::Redraw);
    assert_eq!(batch.draw(&"a", 1, START), Admitted);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(20));
}

#[test]
fn a_refusal_without_a_time_holds_for_a_second() {
    for (reset, retry_after) in [(None, 1_000), (Some(Duration::ZERO), 10)] {
        let mut batch = batch();
        assert_eq!(batch.draw(&"a", 1, START), Wait);
        assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(1));
        let silent = silent_answer(Code::OverLimit);
        let refusal = reset.map_or(silent, |reset| answer(Code::OverLimit, 0, reset));
        assert_eq!(batch.on_answer(&"a", Ok(&refusal), START), Settled::Redraw);
        let retry_after = MILLI * retry_after;
        assert_eq!(batch.draw(&"a", 1, START), Refused { retry_after });
    }
}

#[test]
fn units_end_with_the_window_of_the_call() {
    for (reset, valid) in [(500, 499), (5, 14), (0, 14)] {
        let mut batch = batch();
        assert_eq!(batch.draw(&"a", 1, START), Wait);
        assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(1));
        let granted = answer(Code::Unknown, 9, MILLI * reset);
        assert_eq!(batch.on_answer(&"a", Ok(&granted), START + MILLI * 5), Settled::Redraw);
        assert_eq!(batch.peek(&"a", 1, START + MILLI * valid), Admitted, "{reset}");
        assert_eq!(batch.peek(&"a", 1, START + MILLI * (valid + 1)), Wait, "{reset}");
    }
}

#[test]
fn a_failure_releases_the_waiting_requests() {
    let mut batch = batch();
    assert_eq!(batch.draw(&"a", 1, START), Wait);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(1));
    let failure = ServiceFailure::Timeout;
    assert_eq!(batch.on_answer(&"a", Err(failure), START), Settled::Failed(failure));
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), None);
    assert_eq!(batch.draw(&"a", 1, START), Wait);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(1));
}

#[test]
fn an_answer_without_a_call_grants_nothing() {
    let mut batch = batch();
    assert_eq!(batch.on_answer(&"a", Ok(&ok(9)), START), Settled::Redraw);
    assert_eq!(batch.peek(&"a", 1, START), Wait);
    let mut batch = busy(31);
    assert_eq!(batch.on_answer(&"a", Ok(&ok(9)), START), Settled::Redraw);
    assert_eq!(batch.peek(&"a", 1, START), Wait);
}

mod costs;
mod keys;
