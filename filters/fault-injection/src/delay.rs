//! The distribution of delays.

use std::time::Duration;

use filter_core::Generator;

/// A distribution of delays; numbers are milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum DelayLength {
    /// Constant.
    Fixed(Duration),
    /// Uniform.
    Uniform {
        /// Minimum.
        min: f64,
        /// Maximum.
        max: f64,
    },
    /// Normal; negative delays become zero.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        stddev: f64,
    },
    /// Exponential.
    Exponential {
        /// Mean.
        mean: f64,
    },
    /// Pareto.
    Pareto {
        /// Minimum.
        scale: f64,
        /// Shape parameter.
        shape: f64,
    },
    /// Measured: ascending percentiles and their delays, interpolated linearly.
    Percentiles(Vec<(f64, f64)>),
    /// Set by a request header.
    Header,
}

impl DelayLength {
    /// Draws a delay from random `bits`, in whole milliseconds. `cap` limits all but a fixed delay.
    ///
    /// Returns zero for [`Self::Header`].
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
            Self::Percentiles(rows) => interpolate(rows, unit * 100.0),
        };
        from_millis(millis).min(cap)
    }
}

/// Rounds to whole milliseconds; negative values become zero.
fn from_millis(millis: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    Duration::from_millis(millis.round() as u64)
}

/// Returns the delay at a percentile.
fn interpolate(rows: &[(f64, f64)], percentile: f64) -> f64 {
    let mut below = (0.0, 0.0);
    for row in rows {
        if percentile <= row.0 {
            let fraction = (percentile - below.0) / (row.0 - below.0);
            return below.1 + fraction * (row.1 - below.1);
        }
        below = *row;
    }
    below.1
}

#[cfg(test)]
mod tests;
