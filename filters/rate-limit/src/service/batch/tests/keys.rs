#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Admits one request and leaves a unit.
fn buy(batch: &mut Batch<u32>, key: u32) {
    assert_eq!(batch.draw(&key, 2, START), Wait);
    assert_eq!(batch.next_call(&key, START, MAX_BATCH), Some(2));
    assert_eq!(batch.on_answer(&key, Ok(&ok(10)), START), Settled::Redraw);
    assert_eq!(batch.draw(&key, 1, START), Admitted);
}

#[test]
fn keys_are_independent() {
    let mut batch = Batch::new(8);
    buy(&mut batch, 1);
    assert_eq!(batch.peek(&1, 1, START), Admitted);
    assert_eq!(batch.peek(&2, 1, START), Wait);
}

#[test]
fn the_least_recently_drawn_key_makes_room() {
    let mut batch = Batch::new(8);
    (0..8).for_each(|key| buy(&mut batch, key));
    batch.give_back(&0, 1, START);
    assert_eq!(batch.draw(&0, 1, START), Admitted);
    assert_eq!(batch.draw(&8, 1, START), Wait);
    let kept = |key: &u32| batch.peek(key, 1, START) == Admitted;
    assert_eq!((0..8).filter(kept).collect::<Vec<_>>(), [0, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_key_in_use_does_not_make_room() {
    let mut batch = Batch::new(2);
    for key in [0, 1] {
        assert_eq!(batch.draw(&key, 1, START), Wait);
    }
    assert_eq!(batch.next_call(&0, START, MAX_BATCH), Some(1));
    batch.leave(&0, 1);
    assert_eq!(batch.draw(&2, 1, START), Exact, "0 has a call, 1 a waiting request");
    assert_eq!(batch.next_call(&2, START, MAX_BATCH), None);
    assert_eq!(batch.on_answer(&0, Ok(&ok(10)), START), Settled::Redraw);
    assert_eq!(batch.draw(&2, 1, START), Wait);
    assert_eq!(batch.peek(&0, 1, START), Wait, "dropped with its unit");
    assert_eq!(batch.next_call(&1, START, MAX_BATCH), Some(1));
}
