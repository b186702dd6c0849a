#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::export::otlp::{Framing, PartialSuccess};

#[cfg(not(target_arch = "wasm32"))]
mod properties;

const ACCEPTED: ExportOutcome = ExportOutcome::Accepted(None);
const UNAVAILABLE: ExportOutcome = ExportOutcome::Retry(Failure::Unavailable, None);

pub(super) fn item(size: usize) -> Item {
    Item::new(|out| out.extend(std::iter::repeat_n(b'x', size)))
}

/// Small limits: 10 items in the queue, 2 in a batch.
pub(super) fn small_limits() -> QueueLimits {
    QueueLimits {
        max_items: 10,
        max_bytes: 4_096,
        max_batch_items: 2,
        max_batch_bytes: 1_024,
        max_batch_delay: Duration::from_secs(1),
        max_elapsed_time: Duration::from_secs(60),
    }
}

pub(super) fn pipeline(limits: QueueLimits) -> Pipeline {
    Pipeline::new(limits, Envelope::new(&[], Framing::Http))
}

/// A pipeline with this many small items, queued at second 0.
fn filled(items: usize) -> Pipeline {
    let mut pipeline = pipeline(small_limits());
    (0..items).for_each(|_| pipeline.enqueue(item(10), Duration::ZERO));
    pipeline
}

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sends as many requests as possible; returns how many were sent.
fn send(pipeline: &mut Pipeline, first: u64, now: Duration) -> u64 {
    (first..).take_while(|id| pipeline.next_request(RequestId(*id), now).is_some()).count() as u64
}

fn counts(pipeline: &Pipeline, metrics: &[Metric]) -> Vec<u64> {
    metrics.iter().map(|metric| pipeline.stats().count(*metric)).collect()
}

#[track_caller]
fn assert_balanced(pipeline: &Pipeline) {
    assert_eq!(pipeline.stats().outstanding(), pipeline.items(), "{:?}", pipeline.stats());
}

#[test]
fn sends_full_batches_at_once_and_others_after_the_delay() {
    let mut pipeline = filled(3);
    assert_eq!(send(&mut pipeline, 0, at(0)), 1);
    assert_eq!(send(&mut pipeline, 1, Duration::from_millis(999)), 0);
    assert_eq!(send(&mut pipeline, 1, at(1)), 1);
    assert_eq!(pipeline.elapsed(RequestId(0), at(2)), Some(at(2)));
    assert_eq!(pipeline.elapsed(RequestId(1), at(2)), Some(at(1)));
    pipeline.complete(RequestId(0), &ACCEPTED, at(2), 0);
    pipeline.complete(RequestId(1), &ACCEPTED, at(2), 0);
    assert_eq!(counts(&pipeline, &[Metric::Built, Metric::Sent, Metric::Requests]), [3, 3, 2]);
    assert_eq!(pipeline.bytes(), 0);
    assert_balanced(&pipeline);
}

#[test]
fn at_most_four_batches_are_in_flight() {
    let mut pipeline = filled(10);
    assert_eq!(send(&mut pipeline, 0, at(1)), 4);
    pipeline.complete(RequestId(2), &ACCEPTED, at(1), 0);
    assert_eq!(send(&mut pipeline, 4, at(1)), 1);
    assert_balanced(&pipeline);
}

#[test]
fn a_full_queue_drops_its_oldest_items() {
    let mut pipeline = filled(13);
    assert_eq!(counts(&pipeline, &[Metric::Built, Metric::Dropped(Dropped::Full)]), [13, 3]);
    pipeline.enqueue(item(500), at(1));
    assert_eq!(pipeline.stats().count(Metric::Dropped(Dropped::Full)), 4);
    (0..20).for_each(|_| pipeline.enqueue(item(500), at(1)));
    assert!(pipeline.queue.bytes() <= small_limits().max_bytes);
    assert_balanced(&pipeline);
}

#[test]
fn drops_items_larger_than_a_request() {
    let mut pipeline = pipeline(small_limits());
    pipeline.enqueue(item(1_024), at(0));
    assert_eq!(pipeline.stats().count(Metric::Dropped(Dropped::Oversize)), 1);
    assert_balanced(&pipeline);
}

#[test]
fn requests_do_not_exceed_the_maximum_size() {
    let mut pipeline = pipeline(QueueLimits { max_batch_items: 100, ..small_limits() });
    (0..10).for_each(|_| pipeline.enqueue(item(300), at(0)));
    for id in 0..4 {
        let body = pipeline.next_request(RequestId(id), at(1)).map(<[u8]>::len);
        assert!(body.is_some_and(|size| size <= small_limits().max_batch_bytes), "{body:?}");
    }
}

#[test]
fn counts_rejected_items_without_retrying_them() {
    for (reported, rejected) in [(1, 1), (2, 2), (u64::MAX, 2)] {
        let mut pipeline = filled(2);
        send(&mut pipeline, 0, at(1));
        let partial = PartialSuccess { rejected_items: reported, message: String::new() };
        pipeline.complete(RequestId(0), &ExportOutcome::Accepted(Some(partial)), at(1), 0);
        assert_eq!(counts(&pipeline, &[Metric::Rejected, Metric::Sent]), [rejected, 2 - rejected]);
        assert_eq!(send(&mut pipeline, 1, at(9)), 0);
        assert_balanced(&pipeline);
    }
}

#[test]
fn drops_refused_items() {
    let mut pipeline = filled(2);
    send(&mut pipeline, 0, at(1));
    pipeline.complete(RequestId(0), &ExportOutcome::Refused("no".to_owned()), at(1), 0);
    let refused = [Metric::Dropped(Dropped::Refused), Metric::Failures(Failure::Refused)];
    assert_eq!(counts(&pipeline, &refused), [2, 1]);
    assert_balanced(&pipeline);
}

#[test]
fn sends_single_probes_while_the_provider_fails() {
    let mut pipeline = filled(10);
    assert_eq!(send(&mut pipeline, 0, at(1)), 4);
    for id in 0..4 {
        pipeline.complete(RequestId(id), &UNAVAILABLE, at(2), u64::MAX);
    }
    assert_eq!(pipeline.backoff.failures, 1, "concurrent requests count as one failure");
    assert_eq!(send(&mut pipeline, 4, Duration::from_millis(2_999)), 0);
    assert_eq!(send(&mut pipeline, 4, at(3)), 1, "the probe");
    assert_eq!(send(&mut pipeline, 5, at(30)), 0);
    pipeline.complete(RequestId(4), &UNAVAILABLE, at(4), u64::MAX);
    assert_eq!(send(&mut pipeline, 5, Duration::from_millis(5_999)), 0, "twice as long");
    assert_eq!(send(&mut pipeline, 5, at(6)), 1);
    pipeline.complete(RequestId(5), &ACCEPTED, at(6), 0);
    assert_eq!(send(&mut pipeline, 6, at(6)), 4, "all at once again");
    assert_eq!(pipeline.stats().count(Metric::Retries), 5);
    assert_balanced(&pipeline);
}

#[test]
fn a_success_sent_before_the_failure_does_not_end_the_pause() {
    let mut pipeline = filled(6);
    assert_eq!(send(&mut pipeline, 0, at(1)), 3);
    let throttled = ExportOutcome::Retry(Failure::Throttled, Some(at(20)));
    pipeline.complete(RequestId(0), &throttled, at(2), 0);
    pipeline.complete(RequestId(1), &ACCEPTED, at(3), 0);
    pipeline.complete(RequestId(2), &ACCEPTED, at(3), 0);
    assert_eq!(send(&mut pipeline, 3, Duration::from_millis(21_999)), 0);
    assert_eq!(send(&mut pipeline, 3, at(22)), 1);
}

#[test]
fn a_zero_pause_does_not_retry_at_the_same_time() {
    let mut pipeline = filled(2);
    assert!(pipeline.next_request(RequestId(0), at(1)).is_some());
    pipeline.complete(RequestId(0), &ExportOutcome::Retry(Failure::UnknownCluster, None), at(1), 0);
    assert!(pipeline.next_request(RequestId(1), at(1)).is_none());
    assert!(pipeline.next_request(RequestId(1), Duration::from_millis(1_001)).is_some());
}

#[test]
fn batches_expire() {
    let mut pipeline = filled(2);
    let mut now = at(1);
    let mut id = 0;
    while pipeline.items() > 0 {
        if pipeline.next_request(RequestId(id), now).is_some() {
            pipeline.complete(RequestId(id), &UNAVAILABLE, now, u64::MAX);
            id += 1;
        }
        now += Duration::from_millis(200);
    }
    assert!((at(61)..at(62)).contains(&now), "{now:?}");
    assert_eq!(pipeline.stats().count(Metric::Dropped(Dropped::Expired)), 2);
    assert_balanced(&pipeline);
    pipeline.enqueue(item(10), now);
    assert!(pipeline.next_request(RequestId(id), now + at(31)).is_some(), "the next batch is sent");
}

#[test]
fn ignores_responses_to_unknown_requests() {
    let mut pipeline = filled(2);
    pipeline.complete(RequestId(7), &ACCEPTED, at(1), 0);
    assert_balanced(&pipeline);
    send(&mut pipeline, 0, at(1));
    pipeline.complete(RequestId(0), &ACCEPTED, at(1), 0);
    pipeline.complete(RequestId(0), &ACCEPTED, at(1), 0);
    assert_eq!(pipeline.stats().count(Metric::Sent), 2);
}

#[test]
fn hands_over_everything() {
    let mut pipeline = filled(9);
    assert_eq!(send(&mut pipeline, 0, at(0)), 4);
    pipeline.complete(RequestId(0), &UNAVAILABLE, at(1), 0);
    let batches = pipeline.hand_over();
    assert_eq!(batches.iter().map(|(items, _)| items).sum::<u64>(), 9);
    assert_eq!((pipeline.items(), pipeline.bytes()), (0, 0));
    assert_balanced(&pipeline);
    assert_eq!(pipeline.elapsed(RequestId(1), at(2)), None, "not in flight");

    let mut next = Pipeline::new(small_limits(), Envelope::new(&[], Framing::Grpc));
    for (id, (items, body)) in (0..).map(RequestId).zip(batches) {
        assert!(next.has_room());
        next.take_over(items, &body);
        let sent = next.next_request(id, at(3)).unwrap();
        assert_eq!(&sent[5..], body, "framed for its own protocol");
        next.complete(id, &ACCEPTED, at(3), 0);
    }
    assert_eq!(counts(&next, &[Metric::Built, Metric::Sent, Metric::Retries]), [0, 9, 0]);
    assert_balanced(&next);
}

#[test]
fn takes_over_at_most_four_batches() {
    let mut pipeline = pipeline(small_limits());
    (0..5).for_each(|_| pipeline.take_over(2, &[1, 2, 3]));
    assert_eq!(pipeline.items(), 8);
    assert!(!pipeline.has_room());
    assert_balanced(&pipeline);
}
