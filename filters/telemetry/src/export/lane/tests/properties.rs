//! Whatever happens, the books balance and memory is bounded.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Event {
    Offer(usize),
    Depart,
    Arrive(usize, u8),
    Adopt(u64, usize),
    Pass(u64),
    HandOver,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0_usize..1_500).prop_map(Event::Offer),
        4 => Just(Event::Depart),
        4 => (0_usize..4, 0_u8..6).prop_map(|(which, how)| Event::Arrive(which, how)),
        1 => (0_u64..9, 0_usize..900).prop_map(|(items, size)| Event::Adopt(items, size)),
        3 => (0_u64..20_000).prop_map(Event::Pass),
        1 => Just(Event::HandOver),
    ]
}

fn outcome(how: u8) -> Outcome {
    match how {
        0 => TAKEN,
        1 => Outcome::Taken(Some(Rejection { items: 1, message: String::new() })),
        2 => Outcome::Refused(String::new()),
        3 => Outcome::Retry(Failure::Throttled, Some(Duration::from_secs(400))),
        4 => Outcome::Retry(Failure::UnknownCluster, None),
        _ => DOWN,
    }
}

proptest! {
    #[test]
    fn books_balance_and_memory_is_bounded(events in prop::collection::vec(event(), 1..200)) {
        let limits = small();
        let mut lane = lane(limits);
        let (mut now, mut tickets) = (Duration::ZERO, 0);
        for event in events {
            match event {
                Event::Offer(size) => lane.offer(item(size), now),
                Event::Depart => {
                    lane.depart(Ticket(tickets), now);
                    tickets += 1;
                }
                Event::Arrive(which, how) => {
                    let ticket = lane.in_flight.keys().nth(which).copied();
                    let random = u64::from(how) << 60;
                    ticket.into_iter().for_each(|it| lane.arrive(it, &outcome(how), now, random));
                }
                Event::Adopt(items, size) => lane.adopt(items, &vec![0; size]),
                Event::Pass(millis) => now += Duration::from_millis(millis),
                Event::HandOver => drop(lane.hand_over()),
            }
            prop_assert_eq!(lane.books().outstanding(), lane.items());
            prop_assert!(lane.bytes() <= limits.bytes + SLOTS * limits.batch_bytes);
            prop_assert!(lane.queue.len() <= limits.items && lane.out() <= SLOTS);
        }
    }

    #[test]
    fn a_lane_recovers_by_itself(
        outcomes in prop::collection::vec(0_u8..6, 0..40),
        random in any::<u64>(),
    ) {
        let mut lane = lane(small());
        let (mut now, mut tickets) = (Duration::ZERO, 0);
        let mut step = |lane: &mut Lane, how: &Outcome| {
            now += Duration::from_secs(1);
            let went = lane.depart(Ticket(tickets), now).is_some();
            lane.arrive(Ticket(tickets), how, now, random);
            tickets += 1;
            went
        };
        for how in outcomes {
            lane.offer(item(10), Duration::ZERO);
            step(&mut lane, &outcome(how));
        }
        lane.offer(item(10), Duration::ZERO);
        // The longest pause that a server can ask for, and some steps more.
        for _ in 0..400 {
            step(&mut lane, &TAKEN);
        }
        prop_assert_eq!(lane.items(), 0);
    }
}
