//! What a stream that has ended adds to which metric.

use super::Policy;
use crate::{
    expression::{Attributes, Value},
    signals::metrics::{CustomMetric, Findings},
    stream::ended::Ended,
    stream::record::Record,
};

/// The largest number that a metric takes: 2^53.
const MAX_SIZE: f64 = 9_007_199_254_740_992.0;

impl Policy {
    /// Says whether a stream is an error.
    ///
    /// Where `errorWhen` fails, which `failed` is told, it is one by the rule that holds without it.
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

    /// Finds out what a stream adds, and calls `failed` for each expression that fails.
    #[must_use]
    pub fn find(&self, ended: &Ended<'_>, is_error: bool, mut failed: impl FnMut()) -> Findings {
        let Ended { record, at, request } = *ended;
        let slos = self.slos.iter().map(|slo| {
            let judged = slo.judge(record, is_error, at, request);
            judged.unwrap_or_else(|_| {
                failed();
                None
            })
        });
        let slos = slos.collect();
        let definitions = self.metrics.definitions.iter().map(|own| own.number(ended, &mut failed));
        Findings { is_error, slos, definitions: definitions.collect() }
    }
}

impl CustomMetric {
    fn number(&self, ended: &Ended<'_>, failed: &mut impl FnMut()) -> Option<u64> {
        let holds = self.filter.as_ref().map_or(Ok(true), |it| it.holds(ended.at, ended.request));
        let holds = holds.unwrap_or_else(|_| {
            failed();
            false
        });
        if !holds {
            return None;
        }
        let Some(value) = &self.value else { return Some(1) };
        let number = value.evaluate(ended.at).ok().and_then(|value| whole(&value));
        if number.is_none() {
            failed();
        }
        number
    }
}

/// Floors a number from 0 to 2^53; anything else is none.
fn whole(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Int(number) => return u64::try_from(*number).ok().filter(|it| *it <= 1 << 53),
        Value::Double(number) => *number,
        _ => return None,
    };
    let fits = (0.0..=MAX_SIZE).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    fits.then_some(number as u64)
}
