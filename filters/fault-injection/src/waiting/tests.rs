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
fn of_a_hundred_thousand_none_goes_on_early_or_gets_lost() {
    const STREAMS: u32 = 100_000;
    let mut generator = crate::Generator::new(23);
    let mut waiting = Waiting::default();
    let (mut now, mut woken, mut left) = (Duration::ZERO, 0, 0);
    for stream in 0..STREAMS {
        now = now.saturating_add(Duration::from_nanos(generator.bits() % 40_000));
        let due = now.saturating_add(Duration::from_nanos(generator.bits() % 90_000_000));
        waiting.add(due, stream, due);
        // Some leave before their time.
        if generator.bits().is_multiple_of(10) {
            assert_eq!(waiting.remove(due, stream), Some(due));
            left += 1;
        }
        while let Some((due, _, told)) = waiting.pop(now) {
            assert!(due <= now && due == told, "{due:?} at {now:?}");
            woken += 1;
        }
        // What is not due yet has a tick in time.
        assert!(waiting.wake_after(now).is_none_or(|after| after <= ms(91)));
    }
    while let Some(after) = waiting.wake_after(now) {
        now = now.saturating_add(after);
        while waiting.pop(now).is_some() {
            woken += 1;
        }
    }
    assert_eq!(woken + left, STREAMS);
}

#[test]
fn a_refused_stream_is_tried_again_and_again() {
    for (refusals, millis) in
        [(0, 10), (1, 10), (2, 20), (3, 40), (7, 640), (8, 1_000), (64, 1_000)]
    {
        assert_eq!(retry_after(refusals), ms(millis), "{refusals}");
    }
    assert_eq!(retry_after(u32::MAX), ms(1_000));
}

#[test]
fn one_that_waits_takes_no_more_than_64_bytes() {
    assert!(size_of::<(Duration, u32, std::rc::Rc<()>)>() <= 64);
}
