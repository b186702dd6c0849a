//! Properties: every item is accounted for, and memory is bounded.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Event {
    Enqueue(usize),
    Send,
    Complete(usize, u8),
    TakeOver(u64, usize),
    Wait(u64),
    HandOver,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0_usize..1_500).prop_map(Event::Enqueue),
        4 => Just(Event::Send),
        4 => (0_usize..4, 0_u8..6).prop_map(|(which, how)| Event::Complete(which, how)),
        1 => (0_u64..9, 0_usize..900).prop_map(|(items, size)| Event::TakeOver(items, size)),
        3 => (0_u64..20_000).prop_map(Event::Wait),
        1 => Just(Event::HandOver),
    ]
}

fn outcome(how: u8) -> ExportOutcome {
    match how {
        0 => ACCEPTED,
        1 => ExportOutcome::Accepted(Some(PartialSuccess {
            rejected_items: 1,
            message: String::new(),
        })),
        2 => ExportOutcome::Refused(String::new()),
        3 => ExportOutcome::Retry(Failure::Throttled, Some(Duration::from_secs(400))),
        4 => ExportOutcome::Retry(Failure::UnknownCluster, None),
        _ => UNAVAILABLE,
    }
}

proptest! {
    #[test]
    fn items_are_accounted_for_and_memory_is_bounded(events in prop::collection::vec(event(), 1..200)) {
        let limits = small_limits();
        let mut pipeline = pipeline(limits);
        let (mut now, mut next_id) = (Duration::ZERO, 0);
        for event in events {
            match event {
                Event::Enqueue(size) => pipeline.enqueue(item(size), now),
                Event::Send => {
                    pipeline.next_request(RequestId(next_id), now);
                    next_id += 1;
                }
                Event::Complete(which, how) => {
                    let id = pipeline.in_flight.keys().nth(which).copied();
                    let random = u64::from(how) << 60;
                    id.into_iter().for_each(|id| pipeline.complete(id, &outcome(how), now, random));
                }
                Event::TakeOver(items, size) => pipeline.take_over(items, &vec![0; size]),
                Event::Wait(millis) => now += Duration::from_millis(millis),
                Event::HandOver => drop(pipeline.hand_over()),
            }
            prop_assert_eq!(pipeline.stats().outstanding(), pipeline.items());
            prop_assert!(pipeline.bytes() <= limits.max_bytes + MAX_BATCHES * limits.max_batch_bytes);
            prop_assert!(pipeline.queue.len() <= limits.max_items && pipeline.batches() <= MAX_BATCHES);
        }
    }

    #[test]
    fn a_pipeline_recovers(
        outcomes in prop::collection::vec(0_u8..6, 0..40),
        random in any::<u64>(),
    ) {
        let mut pipeline = pipeline(small_limits());
        let (mut now, mut next_id) = (Duration::ZERO, 0);
        let mut step = |pipeline: &mut Pipeline, how: &ExportOutcome| {
            now += Duration::from_secs(1);
            let is_sent = pipeline.next_request(RequestId(next_id), now).is_some();
            pipeline.complete(RequestId(next_id), how, now, random);
            next_id += 1;
            is_sent
        };
        for how in outcomes {
            pipeline.enqueue(item(10), Duration::ZERO);
            step(&mut pipeline, &outcome(how));
        }
        pipeline.enqueue(item(10), Duration::ZERO);
        // Longer than the maximum pause that a server can request.
        for _ in 0..400 {
            step(&mut pipeline, &ACCEPTED);
        }
        prop_assert_eq!(pipeline.items(), 0);
    }
}
