#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::export::otlp::Rejection;

#[cfg(not(target_arch = "wasm32"))]
mod properties;

const TAKEN: Outcome = Outcome::Taken(None);
const DOWN: Outcome = Outcome::Retry(Failure::Unavailable, None);

pub(super) fn item(size: usize) -> Item {
    Item::new(|out| out.extend(std::iter::repeat_n(b'x', size)))
}

/// A lane of small bounds: 10 items wait, 2 make a batch.
pub(super) fn small() -> Limits {
    Limits {
        items: 10,
        bytes: 4_096,
        batch_items: 2,
        batch_bytes: 1_024,
        batch_delay: Duration::from_secs(1),
        elapsed: Duration::from_secs(60),
    }
}

pub(super) fn lane(limits: Limits) -> Lane {
    Lane::new(limits, Envelope::new(&[], false))
}

/// A lane with so many small items in its queue, at second 0.
fn filled(items: usize) -> Lane {
    let mut lane = lane(small());
    (0..items).for_each(|_| lane.offer(item(10), Duration::ZERO));
    lane
}

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sends off as much as may go; returns how many requests went.
fn send(lane: &mut Lane, first: u64, now: Duration) -> u64 {
    (first..).take_while(|ticket| lane.depart(Ticket(*ticket), now).is_some()).count() as u64
}

fn counts(lane: &Lane, metrics: &[Metric]) -> Vec<u64> {
    metrics.iter().map(|metric| lane.books().count(*metric)).collect()
}

#[track_caller]
fn assert_balanced(lane: &Lane) {
    assert_eq!(lane.books().outstanding(), lane.items(), "{:?}", lane.books());
}

#[test]
fn a_full_batch_goes_at_once_and_a_small_one_when_it_is_old() {
    let mut lane = filled(3);
    assert_eq!(send(&mut lane, 0, at(0)), 1);
    assert_eq!(send(&mut lane, 1, Duration::from_millis(999)), 0);
    assert_eq!(send(&mut lane, 1, at(1)), 1);
    assert_eq!(lane.elapsed(Ticket(0), at(2)), Some(at(2)));
    assert_eq!(lane.elapsed(Ticket(1), at(2)), Some(at(1)));
    lane.arrive(Ticket(0), &TAKEN, at(2), 0);
    lane.arrive(Ticket(1), &TAKEN, at(2), 0);
    assert_eq!(counts(&lane, &[Metric::Built, Metric::Sent, Metric::Requests]), [3, 3, 2]);
    assert_eq!(lane.bytes(), 0);
    assert_balanced(&lane);
}

#[test]
fn four_batches_are_on_their_way_at_most() {
    let mut lane = filled(10);
    assert_eq!(send(&mut lane, 0, at(1)), 4);
    lane.arrive(Ticket(2), &TAKEN, at(1), 0);
    assert_eq!(send(&mut lane, 4, at(1)), 1);
    assert_balanced(&lane);
}

#[test]
fn a_full_queue_sheds_its_oldest() {
    let mut lane = filled(13);
    assert_eq!(counts(&lane, &[Metric::Built, Metric::Dropped(Dropped::Full)]), [13, 3]);
    lane.offer(item(500), at(1));
    assert_eq!(lane.books().count(Metric::Dropped(Dropped::Full)), 4);
    (0..20).for_each(|_| lane.offer(item(500), at(1)));
    assert!(lane.queue.bytes() <= small().bytes);
    assert_balanced(&lane);
}

#[test]
fn an_item_that_fits_in_no_request_is_dropped() {
    let mut lane = lane(small());
    lane.offer(item(1_024), at(0));
    assert_eq!(lane.books().count(Metric::Dropped(Dropped::Oversize)), 1);
    assert_balanced(&lane);
}

#[test]
fn no_request_is_larger_than_it_may_be() {
    let mut lane = lane(Limits { batch_items: 100, ..small() });
    (0..10).for_each(|_| lane.offer(item(300), at(0)));
    for ticket in 0..4 {
        let body = lane.depart(Ticket(ticket), at(1)).map(<[u8]>::len);
        assert!(body.is_some_and(|size| size <= small().batch_bytes), "{body:?}");
    }
}

#[test]
fn rejected_items_are_counted_and_never_sent_again() {
    for (said, rejected) in [(1, 1), (2, 2), (u64::MAX, 2)] {
        let mut lane = filled(2);
        send(&mut lane, 0, at(1));
        let rejection = Rejection { items: said, message: String::new() };
        lane.arrive(Ticket(0), &Outcome::Taken(Some(rejection)), at(1), 0);
        assert_eq!(counts(&lane, &[Metric::Rejected, Metric::Sent]), [rejected, 2 - rejected]);
        assert_eq!(send(&mut lane, 1, at(9)), 0);
        assert_balanced(&lane);
    }
}

#[test]
fn refused_items_are_dropped() {
    let mut lane = filled(2);
    send(&mut lane, 0, at(1));
    lane.arrive(Ticket(0), &Outcome::Refused("no".to_owned()), at(1), 0);
    let refused = [Metric::Dropped(Dropped::Refused), Metric::Failures(Failure::Refused)];
    assert_eq!(counts(&lane, &refused), [2, 1]);
    assert_balanced(&lane);
}

#[test]
fn while_a_provider_fails_one_probe_goes_at_a_time() {
    let mut lane = filled(10);
    assert_eq!(send(&mut lane, 0, at(1)), 4);
    for ticket in 0..4 {
        lane.arrive(Ticket(ticket), &DOWN, at(2), u64::MAX);
    }
    assert_eq!(lane.failures, 1, "requests that went together fail once");
    assert_eq!(send(&mut lane, 4, Duration::from_millis(2_999)), 0);
    assert_eq!(send(&mut lane, 4, at(3)), 1, "the probe");
    assert_eq!(send(&mut lane, 5, at(30)), 0);
    lane.arrive(Ticket(4), &DOWN, at(4), u64::MAX);
    assert_eq!(send(&mut lane, 5, Duration::from_millis(5_999)), 0, "twice as long");
    assert_eq!(send(&mut lane, 5, at(6)), 1);
    lane.arrive(Ticket(5), &TAKEN, at(6), 0);
    assert_eq!(send(&mut lane, 6, at(6)), 4, "all at once again");
    assert_eq!(lane.books().count(Metric::Retries), 5);
    assert_balanced(&lane);
}

#[test]
fn a_success_that_was_sent_before_the_failure_does_not_end_the_pause() {
    let mut lane = filled(6);
    assert_eq!(send(&mut lane, 0, at(1)), 3);
    let throttled = Outcome::Retry(Failure::Throttled, Some(at(20)));
    lane.arrive(Ticket(0), &throttled, at(2), 0);
    lane.arrive(Ticket(1), &TAKEN, at(3), 0);
    lane.arrive(Ticket(2), &TAKEN, at(3), 0);
    assert_eq!(send(&mut lane, 3, Duration::from_millis(21_999)), 0);
    assert_eq!(send(&mut lane, 3, at(22)), 1);
}

#[test]
fn a_pause_of_nothing_sends_no_second_probe_in_the_same_moment() {
    let mut lane = filled(2);
    assert!(lane.depart(Ticket(0), at(1)).is_some());
    lane.arrive(Ticket(0), &Outcome::Retry(Failure::UnknownCluster, None), at(1), 0);
    assert!(lane.depart(Ticket(1), at(1)).is_none());
    assert!(lane.depart(Ticket(1), Duration::from_millis(1_001)).is_some());
}

#[test]
fn a_batch_is_given_up_when_its_time_is_over() {
    let mut lane = filled(2);
    let mut now = at(1);
    let mut ticket = 0;
    while lane.items() > 0 {
        if lane.depart(Ticket(ticket), now).is_some() {
            lane.arrive(Ticket(ticket), &DOWN, now, u64::MAX);
            ticket += 1;
        }
        now += Duration::from_millis(200);
    }
    assert!((at(61)..at(62)).contains(&now), "{now:?}");
    assert_eq!(lane.books().count(Metric::Dropped(Dropped::Expired)), 2);
    assert_balanced(&lane);
    lane.offer(item(10), now);
    assert!(lane.depart(Ticket(ticket), now + at(31)).is_some(), "the next one is tried");
}

#[test]
fn answers_to_nothing_change_nothing() {
    let mut lane = filled(2);
    lane.arrive(Ticket(7), &TAKEN, at(1), 0);
    assert_balanced(&lane);
    send(&mut lane, 0, at(1));
    lane.arrive(Ticket(0), &TAKEN, at(1), 0);
    lane.arrive(Ticket(0), &TAKEN, at(1), 0);
    assert_eq!(lane.books().count(Metric::Sent), 2);
}

#[test]
fn everything_passes_to_the_lane_to_come() {
    let mut lane = filled(9);
    assert_eq!(send(&mut lane, 0, at(0)), 4);
    lane.arrive(Ticket(0), &DOWN, at(1), 0);
    let batches = lane.hand_over();
    assert_eq!(batches.iter().map(|(items, _)| items).sum::<u64>(), 9);
    assert_eq!((lane.items(), lane.bytes()), (0, 0));
    assert_balanced(&lane);
    assert_eq!(lane.elapsed(Ticket(1), at(2)), None, "cancelled calls bring nothing");

    let mut heir = Lane::new(small(), Envelope::new(&[], true));
    for (ticket, (items, body)) in (0..).map(Ticket).zip(batches) {
        assert!(heir.has_room());
        heir.adopt(items, &body);
        let sent = heir.depart(ticket, at(3)).unwrap();
        assert_eq!(&sent[5..], body, "in the frame of its own protocol");
        heir.arrive(ticket, &TAKEN, at(3), 0);
    }
    assert_eq!(counts(&heir, &[Metric::Built, Metric::Sent, Metric::Retries]), [0, 9, 0]);
    assert_balanced(&heir);
}

#[test]
fn no_more_is_taken_over_than_there_is_room_for() {
    let mut lane = lane(small());
    (0..5).for_each(|_| lane.adopt(2, &[1, 2, 3]));
    assert_eq!(lane.items(), 8);
    assert!(!lane.has_room());
    assert_balanced(&lane);
}
