#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn a_cost_of_zero_needs_no_unit() {
    let mut batch = batch();
    assert_eq!(batch.peek(&"a", 0, START), Admitted);
    assert_eq!(batch.draw(&"a", 0, START), Admitted);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), None);
}

#[test]
fn a_cost_above_the_maximum_batch_is_bought_alone() {
    let mut batch = batch();
    for cost in [1, 500] {
        assert_eq!(batch.draw(&"a", cost, START), Wait);
    }
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(500));
}

#[test]
fn a_refusal_holds_for_costs_that_are_as_high() {
    let mut batch = batch();
    for cost in [500, 3] {
        assert_eq!(batch.draw(&"a", cost, START), Wait);
    }
    assert_eq!(batch.next_call(&"a", START, 1_000), Some(503));
    assert_eq!(batch.on_answer(&"a", Ok(&over()), START), Settled::AskAgain);
    assert_eq!(batch.next_call(&"a", START, 1_000), Some(3));
    assert_eq!(batch.on_answer(&"a", Ok(&ok(10)), START), Settled::Redraw);
    assert_eq!(batch.draw(&"a", 500, START), Wait);
    assert_eq!(batch.draw(&"a", 3, START), Admitted);
    assert_eq!(batch.next_call(&"a", START, 1_000), Some(500));
    assert_eq!(batch.on_answer(&"a", Ok(&over()), START), Settled::Redraw);
    assert_eq!(batch.draw(&"a", 500, START), Refused { retry_after: MINUTE });
    assert_eq!(batch.draw(&"a", 499, START), Wait);
}

#[test]
fn returned_units_can_be_spent_again() {
    let mut batch = batch();
    assert_eq!(batch.draw(&"a", 3, START), Wait);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(3));
    assert_eq!(batch.on_answer(&"a", Ok(&ok(10)), START), Settled::Redraw);
    assert_eq!(batch.draw(&"a", 3, START), Admitted);
    batch.give_back(&"a", 3, START);
    batch.give_back(&"b", 3, START);
    assert_eq!(batch.draw(&"a", 2, START), Admitted);
    assert_eq!(batch.peek(&"a", 2, START), Wait);
    assert_eq!(batch.peek(&"b", 1, START), Wait);
}

#[test]
fn nothing_is_bought_for_a_client_that_has_left() {
    let mut batch = batch();
    for cost in [2, 1] {
        assert_eq!(batch.draw(&"a", cost, START), Wait);
    }
    batch.leave(&"a", 2);
    batch.leave(&"a", 7);
    batch.leave(&"b", 1);
    assert_eq!(batch.next_call(&"a", START, MAX_BATCH), Some(1));
    batch.leave(&"a", 1);
    assert_eq!(batch.on_answer(&"a", Ok(&ok(10)), START), Settled::Redraw);
    assert_eq!(batch.draw(&"a", 1, START), Admitted, "its unit serves the next request");
}
