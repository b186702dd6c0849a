//! The measurements of a completed stream.

use super::Policy;
use crate::{
    expression::{Attributes, Value},
    signals::metrics::{CustomMetric, Measurements},
    stream::record::CompletedStream,
    stream::record::Record,
};

/// Maximum value of a metric: 2^53.
const MAX_VALUE: f64 = 9_007_199_254_740_992.0;

impl Policy {
    /// Returns `true` if a stream is an error.
    ///
    /// If `errorWhen` fails, calls `failed` and applies the default of [`Record::is_failed`].
    #[must_use]
    pub fn is_error(&self, record: &Record, at: &dyn Attributes, failed: impl FnOnce()) -> bool {
        match self.error_when.as_ref().map(|condition| condition.holds(at)) {
            Some(Ok(is_error)) => is_error,
            Some(Err(_)) => {
                failed();
                record.is_failed()
            }
            None => record.is_failed(),
        }
    }

    /// Measures a stream for objectives and definitions. Calls `failed` for each failed expression.
    #[must_use]
    pub fn measure(
        &self,
        stream: &CompletedStream<'_>,
        is_error: bool,
        mut failed: impl FnMut(),
    ) -> Measurements {
        let CompletedStream { record, attributes, request } = *stream;
        let slos = self.slos.iter().map(|slo| {
            let is_good = slo.judge(record, is_error, attributes, request);
            is_good.unwrap_or_else(|_| {
                failed();
                None
            })
        });
        let slos = slos.collect();
        let definitions =
            self.metrics.definitions.iter().map(|metric| metric.measure(stream, &mut failed));
        Measurements { is_error, slos, definitions: definitions.collect() }
    }
}

impl CustomMetric {
    fn measure(&self, stream: &CompletedStream<'_>, failed: &mut impl FnMut()) -> Option<u64> {
        let holds = self
            .filter
            .as_ref()
            .map_or(Ok(true), |filter| filter.holds(stream.attributes, stream.request));
        let holds = holds.unwrap_or_else(|_| {
            failed();
            false
        });
        if !holds {
            return None;
        }
        let Some(value) = &self.value else { return Some(1) };
        let number = value.evaluate(stream.attributes).ok().and_then(|value| to_integer(&value));
        if number.is_none() {
            failed();
        }
        number
    }
}

/// Rounds a number from 0 to 2^53 down; `None` for any other value.
fn to_integer(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Int(number) => {
            return u64::try_from(*number).ok().filter(|number| *number <= 1 << 53);
        }
        Value::Double(number) => *number,
        _ => return None,
    };
    let fits = (0.0..=MAX_VALUE).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    fits.then_some(number as u64)
}
