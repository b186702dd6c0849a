#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::{cell::Cell, rc::Rc};

use filter_core::Generator;

use super::*;
use crate::memory::{Proxy, failures};

const KEY: &str = "weir.test.count";

fn number(value: &[u8]) -> u64 {
    value.try_into().map(u64::from_le_bytes).unwrap_or_default()
}

fn increment() -> Result<bool> {
    update(KEY, |value| Some((number(value) + 1).to_le_bytes().to_vec()))
}

#[test]
fn seed_keeps_an_existing_value() {
    let proxy = Proxy::new();
    seed(KEY, b"1").unwrap();
    seed(KEY, b"2").unwrap();
    assert_eq!(proxy.shared(KEY).as_deref(), Some(&b"1"[..]));
}

#[test]
fn an_update_of_a_missing_value_fails() {
    let _proxy = Proxy::new();
    assert_eq!(increment(), Err(HostError::NotFound));
}

#[test]
fn an_update_can_leave_the_value_unchanged() {
    let proxy = Proxy::new();
    seed(KEY, b"1").unwrap();
    assert_eq!(update(KEY, |_| None), Ok(false));
    assert_eq!(proxy.shared(KEY).as_deref(), Some(&b"1"[..]));
}

#[test]
fn an_update_gives_up_after_eight_lost_writes() {
    let proxy = Proxy::new();
    seed(KEY, &[]).unwrap();
    let lost = Rc::new(Cell::new(0));
    let counter = Rc::clone(&lost);
    proxy.interrupt(move |call| {
        if call.name == "replace_shared_data" {
            counter.set(counter.get() + 1);
            increment().unwrap();
        }
    });
    assert_eq!(increment(), Err(HostError::CasMismatch));
    proxy.stop_interrupts();
    assert_eq!(lost.get(), 8);
    assert_eq!(proxy.shared(KEY).as_deref().map(number), Some(8));
}

#[test]
fn interleaved_updates_lose_no_change() {
    for seed in 0..300 {
        let proxy = Proxy::new();
        super::seed(KEY, &[]).unwrap();
        let done = Rc::new(Cell::new(0));
        let (others, mut generator) = (Rc::clone(&done), Generator::new(seed));
        proxy.interrupt(move |_| {
            if generator.bits() % 3 == 0 && increment() == Ok(true) {
                others.set(others.get() + 1);
            }
        });
        let own = (0..20).filter(|_| increment() == Ok(true)).count();
        proxy.stop_interrupts();
        let total = u64::try_from(own).unwrap() + done.get();
        assert_eq!(proxy.shared(KEY).as_deref().map(number), Some(total), "seed {seed}");
    }
}

#[test]
fn a_lost_write_is_repeated_and_any_other_failure_is_returned() {
    let table = failures(|_| {
        let seeded = seed(KEY, &[]).is_ok();
        (seeded, increment())
    });
    assert_eq!(table.expected, (true, Ok(true)));
    for failed in &table.calls {
        let expected = match (failed.call.name, failed.error) {
            (_, HostError::CasMismatch) => (true, Ok(true)),
            ("seed_shared_data", _) => (false, Err(HostError::NotFound)),
            ("replace_shared_data", error) => (true, Err(error)),
            _ if failed.outcome.0 => (true, Err(failed.error)),
            _ => (false, Err(HostError::NotFound)),
        };
        assert_eq!(failed.outcome, expected, "{:?}", failed.call);
    }
}
