#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::Percentage;

use super::*;

const DRAWS: u32 = 100_000;
/// The critical value of chi-square with one degree of freedom at p = 0.001.
const ONE_IN_A_THOUSAND: f64 = 10.83;

fn chi_square(hits: u32, share: f64) -> f64 {
    let expected = f64::from(DRAWS) * share;
    let difference = f64::from(hits) - expected;
    difference.powi(2) / expected + difference.powi(2) / (f64::from(DRAWS) - expected)
}

/// Checks that the draws of each kind hit each percentage as often as expected.
fn check_shares(draws: impl Fn(u32) -> Draws) {
    let kinds: [fn(&Draws) -> u32; 4] = [|d| d.delay, |d| d.abort, |d| d.response, |d| d.rate];
    let all: Vec<Draws> = (0..DRAWS).map(draws).collect();
    for percent in [0.01, 0.1, 1.0, 10.0, 50.0, 99.9, 100.0] {
        let share = Percentage::from_percent(percent).unwrap();
        for (index, draw) in kinds.iter().enumerate() {
            let hits = all.iter().filter(|draws| share.contains(draw(draws))).count();
            let hits = u32::try_from(hits).unwrap();
            if percent == 100.0 {
                assert_eq!(hits, DRAWS);
            } else {
                let chi = chi_square(hits, percent / 100.0);
                assert!(chi < ONE_IN_A_THOUSAND, "{percent} % of kind {index}: {hits}, {chi}");
            }
        }
    }
}

#[test]
fn random_draws_hit_each_percentage_as_often_as_expected() {
    let generator = std::cell::Cell::new(Generator::new(7));
    check_shares(|_| {
        let mut next = generator.get();
        let draws = Draws::random(&mut next);
        generator.set(next);
        draws
    });
}

#[test]
fn keys_hit_each_percentage_as_often_as_expected() {
    check_shares(|key| Draws::from_key("checkout", format!("user-{key}").as_bytes()));
}

#[test]
fn delay_and_abort_are_independent() {
    let mut generator = Generator::new(11);
    let random: Vec<Draws> = (0..DRAWS).map(|_| Draws::random(&mut generator)).collect();
    let keyed: Vec<Draws> =
        (0..DRAWS).map(|key| Draws::from_key("x", key.to_string().as_bytes())).collect();
    for all in [random, keyed] {
        for percent in [1.0, 10.0, 50.0] {
            let share = Percentage::from_percent(percent).unwrap();
            let mut table = [[0_u32; 2]; 2];
            for draws in &all {
                let cell = [share.contains(draws.delay), share.contains(draws.abort)];
                table[usize::from(cell[0])][usize::from(cell[1])] += 1;
            }
            let chi = chi_square_of_table(table);
            assert!(chi < ONE_IN_A_THOUSAND, "{percent} %: {table:?}, {chi}");
        }
    }
}

fn chi_square_of_table(table: [[u32; 2]; 2]) -> f64 {
    let count = |row: usize, column: usize| f64::from(table[row][column]);
    let row = |row| count(row, 0) + count(row, 1);
    let column = |column| count(0, column) + count(1, column);
    let cell = |(r, c)| {
        let expected = row(r) * column(c) / f64::from(DRAWS);
        (count(r, c) - expected).powi(2) / expected
    };
    [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().map(cell).sum()
}

#[test]
fn draws_of_a_key_are_reproducible() {
    let draws = Draws::from_key("ratings-slow", b"bob");
    assert_eq!(draws.delay, 27_017);
    assert_eq!(draws, Draws::from_key("ratings-slow", b"bob"));
    assert_ne!(draws.length, Draws::from_key("ratings-slow", b"alice").length);
}

#[test]
fn units_are_between_0_and_1() {
    let mut generator = Generator::new(0);
    assert!((0..DRAWS).map(|_| generator.unit()).all(|unit| 0.0 < unit && unit < 1.0));
}
