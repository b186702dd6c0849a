#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const DRAWS: u32 = 100_000;
const NO_CAP: Duration = Duration::from_secs(100_000_000);

fn draws(length: &DelayLength, cap: Duration) -> Vec<f64> {
    let mut generator = Generator::new(42);
    let draw = |_| length.draw(generator.bits(), cap).as_secs_f64() * 1_000.0;
    let mut drawn: Vec<f64> = (0..DRAWS).map(draw).collect();
    drawn.sort_by(f64::total_cmp);
    drawn
}

/// A Kolmogorov-Smirnov test against a distribution function, at p = 0.001.
///
/// Delays are rounded: 5 ms represents all delays up to 5.5 ms.
#[track_caller]
fn check(length: &DelayLength, distribution: impl Fn(f64) -> f64) {
    let drawn = draws(length, NO_CAP);
    let mut max_distance: f64 = 0.0;
    for (index, value) in drawn.iter().enumerate() {
        if drawn.get(index.saturating_add(1)) != Some(value) {
            let fraction = index.saturating_add(1) as f64 / f64::from(DRAWS);
            max_distance = max_distance.max((fraction - distribution(value + 0.5)).abs());
        }
    }
    assert!(max_distance * f64::from(DRAWS).sqrt() < 1.95, "{length:?}: {max_distance}");
}

/// The normal distribution function, by Abramowitz and Stegun 7.1.26 with seven digits.
fn normal(x: f64) -> f64 {
    let z = x.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let sum = ((((1.061_405_429 * t - 1.453_152_027) * t + 1.421_413_741) * t - 0.284_496_736) * t
        + 0.254_829_592)
        * t;
    let erf = 1.0 - sum * (-z * z).exp();
    if x < 0.0 { (1.0 - erf) / 2.0 } else { (1.0 + erf) / 2.0 }
}

#[test]
fn uniform_delays_follow_their_distribution() {
    check(&DelayLength::Uniform { min: 100.0, max: 5_000.0 }, |x| {
        ((x - 100.0) / 4_900.0).clamp(0.0, 1.0)
    });
}

#[test]
fn normal_delays_follow_their_distribution_without_negatives() {
    let length = DelayLength::Normal { mean: 1_000.0, stddev: 800.0 };
    check(&length, |x| normal((x - 1_000.0) / 800.0));
    let zeros = draws(&length, NO_CAP).iter().filter(|x| **x == 0.0).count();
    assert!((10_000..11_200).contains(&zeros), "{zeros}");
}

#[test]
fn exponential_delays_follow_their_distribution() {
    check(&DelayLength::Exponential { mean: 4_000.0 }, |x| 1.0 - (-x / 4_000.0).exp());
}

#[test]
fn pareto_delays_follow_their_distribution() {
    let length = DelayLength::Pareto { scale: 1_000.0, shape: 1.5 };
    check(&length, |x| if x < 1_000.0 { 0.0 } else { 1.0 - (1_000.0 / x).powf(1.5) });
    assert_eq!(draws(&length, NO_CAP)[0], 1_000.0);
}

#[test]
fn measured_delays_match_their_percentiles() {
    let rows = vec![(50.0, 200.0), (90.0, 500.0), (99.9, 10_000.0), (100.0, 20_000.0)];
    let drawn = draws(&DelayLength::Percentiles(rows.clone()), NO_CAP);
    for (percentile, length) in rows {
        let within = drawn.iter().filter(|drawn| **drawn <= length).count();
        let found = within as f64 / f64::from(DRAWS) * 100.0;
        assert!((found - percentile).abs() < 0.5, "{percentile}: {found}");
    }
    check(&DelayLength::Percentiles(vec![(25.0, 0.0), (100.0, 3_000.0)]), |x| {
        0.25 + 0.75 * (x / 3_000.0).clamp(0.0, 1.0)
    });
}

#[test]
fn cap_limits_random_but_not_fixed_delays() {
    let cap = Duration::from_millis(1_500);
    let drawn = draws(&DelayLength::Pareto { scale: 1_000.0, shape: 0.001 }, cap);
    assert_eq!(drawn.last(), Some(&1_500.0));
    let fixed = Duration::from_secs(5);
    assert_eq!(DelayLength::Fixed(fixed).draw(1, cap), fixed);
    assert_eq!(DelayLength::Header.draw(1, cap), Duration::ZERO);
}
