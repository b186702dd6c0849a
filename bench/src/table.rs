//! Samples and the table of their medians.

use std::fmt::{self, Display, Formatter};

use crate::variants::{EMPTY_FILTER, Variant};

/// CPU microseconds per request, for each variant and round.
pub(crate) struct Samples<'a> {
    variants: &'a [Variant],
    figures: Vec<Vec<f64>>,
}

impl<'a> Samples<'a> {
    /// Creates an empty set of samples.
    pub(crate) fn new(variants: &'a [Variant]) -> Self {
        Self { variants, figures: vec![Vec::new(); variants.len()] }
    }

    /// Adds the result of one round for the variant at `index`.
    pub(crate) fn add(&mut self, index: usize, figure: f64) {
        if let Some(figures) = self.figures.get_mut(index) {
            figures.push(figure);
        }
    }

    /// Returns the median over the rounds of the difference between two variants.
    fn above(&self, variant: &[f64], floor: usize) -> Option<f64> {
        let floor = self.figures.get(floor)?;
        Some(median(variant.iter().zip(floor).map(|(figure, floor)| figure - floor).collect()))
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.variants.iter().position(|variant| variant.name == name)
    }
}

impl Display for Samples<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let before: Vec<_> =
            self.variants.iter().map(|variant| self.position(&variant.name_before())).collect();
        let compares = before.iter().any(Option::is_some);
        let (column, rule) = if compares { (" above before |", "---:|") } else { ("", "") };
        writeln!(
            f,
            "| variant | CPU us/request | above no filter | above empty filter |{column} spread |"
        )?;
        writeln!(f, "|---|---:|---:|---:|{rule}---:|")?;
        let empty = self.position(EMPTY_FILTER);
        for ((variant, figures), before) in self.variants.iter().zip(&self.figures).zip(before) {
            let middle = median(figures.clone());
            let spread = median(figures.iter().map(|figure| (figure - middle).abs()).collect());
            write!(f, "| {} | {middle:.1} |", variant.name)?;
            let floor = self.position(variant.floor);
            for other in [floor, empty].into_iter().chain(compares.then_some(before)) {
                match other.and_then(|other| self.above(figures, other)) {
                    Some(above) => write!(f, " {above:+.1} |")?,
                    None => write!(f, " |")?,
                }
            }
            writeln!(f, " {spread:.1} |")?;
        }
        Ok(())
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() >> 1).copied().unwrap_or(f64::NAN)
}
