//! Medians, percentiles and ratios.

use std::time::Duration;

/// Returns the middle figure, the upper one of two; `None` if there is none.
pub(crate) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() >> 1).copied()
}

/// Returns the median over the rounds of the difference between two series.
pub(crate) fn median_difference(figures: &[f64], others: &[f64]) -> Option<f64> {
    median(figures.iter().zip(others).map(|(figure, other)| figure - other).collect())
}

/// Returns the median distance from the median.
pub(crate) fn spread(figures: &[f64]) -> Option<f64> {
    let middle = median(figures.to_vec())?;
    median(figures.iter().map(|figure| (figure - middle).abs()).collect())
}

/// Returns a percentile by nearest rank; `None` without latencies.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100).max(1);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Returns `figure / other`; `None` unless both are above 0.
pub(crate) fn ratio(figure: f64, other: f64) -> Option<f64> {
    (figure > 0.0 && other > 0.0).then(|| figure / other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_sorted_figures() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(4.0));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn differences_are_taken_within_a_round() {
        assert_eq!(median_difference(&[10.0, 90.0, 11.0], &[8.0, 88.0, 9.0]), Some(2.0));
        assert_eq!(median_difference(&[1.0], &[]), None);
    }

    #[test]
    fn one_outlier_does_not_change_the_spread() {
        assert_eq!(spread(&[10.0, 11.0, 12.0, 13.0, 900.0]), Some(1.0));
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let latencies: Vec<_> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(percentile(&latencies, 50), Some(Duration::from_micros(100)));
        assert_eq!(percentile(&latencies, 99), Some(Duration::from_micros(198)));
        assert_eq!(percentile(&latencies[..1], 99), Some(Duration::from_micros(1)));
        assert_eq!(percentile(&[], 99), None);
    }

    #[test]
    fn a_ratio_needs_positive_figures() {
        assert_eq!(ratio(1.0, 4.0), Some(0.25));
        assert_eq!(ratio(1.0, 0.0), None);
        assert_eq!(ratio(-1.0, 4.0), None);
    }
}
