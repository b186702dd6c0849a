use proptest::prelude::*;

use super::{
    simulation::{Service, WORKERS, World},
    *,
};

/// The gap before a request, its worker and its cost.
type Arrival = (u64, usize, u32);

fn service() -> impl Strategy<Value = Service> {
    let limit = prop_oneof![1u32..20, 20u32..400];
    (limit, any::<bool>(), any::<bool>()).prop_map(|(limit, counts_refused, reports)| Service {
        limit,
        counts_refused,
        reports,
    })
}

/// Bursts and pauses, over several windows.
fn arrivals(max_cost: u32) -> impl Strategy<Value = Vec<Arrival>> {
    let gap_us = prop_oneof![8 => 0u64..3_000, 2 => 0u64..50_000, 1 => 0u64..1_500_000];
    prop::collection::vec((gap_us, 0..WORKERS, 1..=max_cost), 1..600)
}

fn latencies(max_us: u64) -> impl Strategy<Value = Vec<Duration>> {
    prop::collection::vec((1..=max_us).prop_map(Duration::from_micros), 1..20)
}

fn run(world: &mut World, arrivals: &[Arrival], leaves: usize) {
    let mut at = START;
    for (index, (gap, worker, cost)) in arrivals.iter().enumerate() {
        at += Duration::from_micros(*gap);
        world.request(at, *worker, *cost, leaves != 0 && index.is_multiple_of(leaves));
    }
    world.run();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// `World::run` checks that no worker admits more than it was granted, that no request waits
    /// without a call, and that all are settled.
    #[test]
    fn never_admits_more_than_granted(
        service in service(),
        arrivals in arrivals(9),
        latencies in latencies(500_000),
        failures in 0usize..10,
        leaves in 0usize..10,
    ) {
        run(&mut World::new(service, latencies, failures), &arrivals, leaves);
    }

    /// A window admits its own units, and those of calls that were answered at its start.
    #[test]
    fn units_end_with_their_window(
        service in service(),
        arrivals in arrivals(9),
        latencies in latencies(20_000),
        failures in 0usize..10,
    ) {
        let service = Service { reports: true, ..service };
        let mut world = World::new(service, latencies, failures);
        run(&mut world, &arrivals, 0);
        for (number, totals) in &world.windows {
            prop_assert!(totals.granted <= service.limit);
            prop_assert!(totals.admitted <= totals.granted + totals.late, "{number} {totals:?}");
        }
    }

    /// If a window is exhausted, at most 2n of its units per worker were not spent.
    #[test]
    fn loses_at_most_two_batches(
        service in service(),
        arrivals in prop_oneof![arrivals(1), arrivals(4)],
        latencies in latencies(20_000),
    ) {
        let service = Service { reports: true, ..service };
        let mut world = World::new(service, latencies, 0);
        run(&mut world, &arrivals, 0);
        for (number, totals) in world.windows.iter().filter(|(_, totals)| totals.is_exhausted) {
            let next = world.windows.get(&(number + 1)).copied().unwrap_or_default();
            let lost = service.limit.saturating_sub(totals.admitted + next.late);
            let most = totals.largest.iter().map(|hits| 2 * hits).sum::<u32>();
            prop_assert!(lost <= most, "{number}: {lost} > {most}, {totals:?}");
        }
    }

    #[test]
    fn keeps_at_most_the_maximum_number_of_keys(
        max_keys in 0usize..20,
        draws in prop::collection::vec((0u32..60, any::<bool>()), 1..400),
    ) {
        let mut batch = Batch::new(max_keys);
        let mut calling = std::collections::BTreeSet::new();
        for (key, answers) in draws {
            match batch.draw(&key, 1, START) {
                Wait if calling.insert(key) => {
                    prop_assert_eq!(batch.next_call(&key, START, MAX_BATCH), Some(1));
                }
                Exact => prop_assert_eq!(calling.len(), max_keys.max(1)),
                _ => {}
            }
            prop_assert!(batch.grants.len() <= max_keys.max(1));
            prop_assert!(calling.iter().all(|key| batch.grants.contains_key(key)));
            if answers && let Some(key) = calling.pop_first() {
                batch.on_answer(&key, Ok(&ok(10)), START);
            }
        }
    }
}
