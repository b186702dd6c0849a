#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::Percentage;

use super::*;

const DRAWS: u32 = 100_000;
/// What chi-square with one degree of freedom exceeds once in a thousand times.
const ONE_IN_A_THOUSAND: f64 = 10.83;

fn chi_square(hits: u32, share: f64) -> f64 {
    let expected = f64::from(DRAWS) * share;
    let difference = f64::from(hits) - expected;
    difference.powi(2) / expected + difference.powi(2) / (f64::from(DRAWS) - expected)
}

/// The draws of each kind for many requests.
fn check_shares(dice: impl Fn(u32) -> Dice) {
    let kinds: [fn(&Dice) -> u32; 4] = [|d| d.delay, |d| d.abort, |d| d.response, |d| d.rate];
    let rolled: Vec<Dice> = (0..DRAWS).map(dice).collect();
    for percent in [0.01, 0.1, 1.0, 10.0, 50.0, 99.9, 100.0] {
        let share = Percentage::from_percent(percent).unwrap();
        for (place, draw) in kinds.iter().enumerate() {
            let hits = rolled.iter().filter(|dice| share.contains(draw(dice))).count();
            let hits = u32::try_from(hits).unwrap();
            if percent == 100.0 {
                assert_eq!(hits, DRAWS);
            } else {
                let chi = chi_square(hits, percent / 100.0);
                assert!(chi < ONE_IN_A_THOUSAND, "{percent} % of kind {place}: {hits}, {chi}");
            }
        }
    }
}

#[test]
fn random_draws_hit_each_share_as_often_as_it_says() {
    let generator = std::cell::Cell::new(Generator::new(7));
    check_shares(|_| {
        let mut next = generator.get();
        let dice = Dice::roll(&mut next);
        generator.set(next);
        dice
    });
}

#[test]
fn keys_hit_each_share_as_often_as_it_says() {
    check_shares(|key| Dice::of_key("checkout", format!("user-{key}").as_bytes()));
}

#[test]
fn delay_and_abort_are_independent() {
    let mut generator = Generator::new(11);
    let random: Vec<Dice> = (0..DRAWS).map(|_| Dice::roll(&mut generator)).collect();
    let keyed: Vec<Dice> =
        (0..DRAWS).map(|key| Dice::of_key("x", key.to_string().as_bytes())).collect();
    for rolled in [random, keyed] {
        for percent in [1.0, 10.0, 50.0] {
            let share = Percentage::from_percent(percent).unwrap();
            let mut table = [[0_u32; 2]; 2];
            for dice in &rolled {
                let cell = [share.contains(dice.delay), share.contains(dice.abort)];
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
fn a_key_draws_what_anyone_can_recompute() {
    let dice = Dice::of_key("ratings-slow", b"bob");
    assert_eq!(dice.delay, 27_017);
    assert_eq!(dice, Dice::of_key("ratings-slow", b"bob"));
    assert_ne!(dice.length, Dice::of_key("ratings-slow", b"alice").length);
}

#[test]
fn units_lie_inside() {
    let mut generator = Generator::new(0);
    assert!((0..DRAWS).map(|_| generator.unit()).all(|unit| 0.0 < unit && unit < 1.0));
}
