#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn pops_due_streams_in_order() {
    let mut queue = DelayQueue::default();
    for (due, stream) in [(30, 1), (10, 2), (20, 3), (10, 4)] {
        queue.insert(ms(due), stream, ());
    }
    assert!(queue.pop_due(Duration::from_micros(9_999)).is_none());
    let due: Vec<_> =
        std::iter::from_fn(|| queue.pop_due(ms(25))).map(|(_, stream, ())| stream).collect();
    assert_eq!(due, [2, 4, 3]);
    assert_eq!(queue.len(), 1);
}

#[test]
fn wakes_up_for_the_nearest_deadline() {
    let mut queue = DelayQueue::default();
    assert_eq!(queue.wake_after(ms(0)), None);
    queue.insert(ms(100), 1, ());
    queue.insert(Duration::from_micros(50_100), 2, ());
    assert_eq!(queue.wake_after(ms(0)), Some(ms(51)), "rounded up");
    assert_eq!(queue.wake_after(ms(60)), Some(ms(1)), "overdue");
    assert_eq!(queue.remove(Duration::from_micros(50_100), 2), Some(()));
    assert_eq!(queue.wake_after(ms(0)), Some(ms(100)));
    assert_eq!(queue.remove(ms(100), 1), Some(()));
    assert_eq!(queue.remove(ms(100), 1), None, "already removed");
    assert!(queue.is_empty() && queue.wake_after(ms(0)).is_none());
}

#[test]
fn no_stream_is_early_or_lost() {
    const STREAMS: u32 = 100_000;
    let mut generator = filter_core::Generator::new(23);
    let mut queue = DelayQueue::default();
    let (mut now, mut woken, mut left) = (Duration::ZERO, 0, 0);
    for stream in 0..STREAMS {
        now = now.saturating_add(Duration::from_nanos(generator.bits() % 40_000));
        let due = now.saturating_add(Duration::from_nanos(generator.bits() % 90_000_000));
        queue.insert(due, stream, due);
        // Some streams end before their deadline.
        if generator.bits().is_multiple_of(10) {
            assert_eq!(queue.remove(due, stream), Some(due));
            left += 1;
        }
        while let Some((due, _, value)) = queue.pop_due(now) {
            assert!(due <= now && due == value, "{due:?} at {now:?}");
            woken += 1;
        }
        // The next tick is early enough for all remaining streams.
        assert!(queue.wake_after(now).is_none_or(|after| after <= ms(91)));
    }
    while let Some(after) = queue.wake_after(now) {
        now = now.saturating_add(after);
        while queue.pop_due(now).is_some() {
            woken += 1;
        }
    }
    assert_eq!(woken + left, STREAMS);
}

#[test]
fn an_entry_takes_at_most_64_bytes() {
    assert!(size_of::<(Duration, u32, std::rc::Rc<()>)>() <= 64);
}
