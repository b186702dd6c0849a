//! How long a delay is.

use std::time::Duration;

use filter_core::Generator;

/// A distribution of lengths, in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum DelayLength {
    /// The same each time.
    Fixed(Duration),
    /// Any between two.
    Uniform {
        /// The shortest.
        min: f64,
        /// The longest.
        max: f64,
    },
    /// Around a mean; below zero counts as zero.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        stddev: f64,
    },
    /// Mostly short.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// With a long tail.
    Pareto {
        /// The shortest.
        scale: f64,
        /// How quickly longer ones get rarer.
        shape: f64,
    },
    /// As measured: percentiles with their lengths, both rising; straight lines between them.
    Percentiles(Vec<(f64, f64)>),
    /// As the caller asks.
    Header,
}

impl DelayLength {
    /// Draws a length from `bits`, to the millisecond; `cap` bounds all but a fixed one.
    ///
    /// A length that the caller must name is zero.
    pub fn draw(&self, bits: u64, cap: Duration) -> Duration {
        let mut generator = Generator::new(bits);
        let unit = generator.unit();
        let millis = match self {
            Self::Fixed(length) => return *length,
            Self::Header => return Duration::ZERO,
            Self::Uniform { min, max } => min + unit * (max - min),
            Self::Normal { mean, stddev } => {
                let angle = std::f64::consts::TAU * generator.unit();
                mean + stddev * (-2.0 * unit.ln()).sqrt() * angle.cos()
            }
            Self::Exponential { mean } => -mean * unit.ln(),
            Self::Pareto { scale, shape } => scale / unit.powf(1.0 / shape),
            Self::Percentiles(rows) => between(rows, unit * 100.0),
        };
        whole(millis).min(cap)
    }
}

/// Rounds to whole milliseconds; negative counts as zero.
fn whole(millis: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    Duration::from_millis(millis.round() as u64)
}

/// Returns the length at a percentile.
fn between(rows: &[(f64, f64)], percentile: f64) -> f64 {
    let mut below = (0.0, 0.0);
    for row in rows {
        if percentile <= row.0 {
            let part = (percentile - below.0) / (row.0 - below.0);
            return below.1 + part * (row.1 - below.1);
        }
        below = *row;
    }
    below.1
}

#[cfg(test)]
mod tests;
