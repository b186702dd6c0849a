#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn what_is_due_comes_out_in_order_and_nothing_early() {
    let mut waiting = Waiting::default();
    for (due, stream) in [(30, 1), (10, 2), (20, 3), (10, 4)] {
        waiting.add(ms(due), stream, ());
    }
    assert!(waiting.pop(Duration::from_micros(9_999)).is_none());
    let due: Vec<_> =
        std::iter::from_fn(|| waiting.pop(ms(25))).map(|(_, stream, ())| stream).collect();
    assert_eq!(due, [2, 4, 3]);
    assert_eq!(waiting.len(), 1);
}

#[test]
fn it_wakes_for_the_nearest_and_not_at_all_when_nothing_waits() {
    let mut waiting = Waiting::default();
    assert_eq!(waiting.wake_after(ms(0)), None);
    waiting.add(ms(100), 1, ());
    waiting.add(Duration::from_micros(50_100), 2, ());
    assert_eq!(waiting.wake_after(ms(0)), Some(ms(51)), "rounded up");
    assert_eq!(waiting.wake_after(ms(60)), Some(ms(1)), "overdue");
    assert_eq!(waiting.remove(Duration::from_micros(50_100), 2), Some(()));
    assert_eq!(waiting.wake_after(ms(0)), Some(ms(100)));
    assert_eq!(waiting.remove(ms(100), 1), Some(()));
    assert_eq!(waiting.remove(ms(100), 1), None, "it is gone");
    assert!(waiting.is_empty() && waiting.wake_after(ms(0)).is_none());
}

#[test]
fn one_that_waits_takes_no_more_than_64_bytes() {
    assert!(size_of::<(Duration, u32, std::rc::Rc<()>)>() <= 64);
}
