//! Interned label values, within the cardinality limits.

use std::cell::RefCell;

use super::cardinality::SharedLimits;
use crate::{
    CustomLabel, Family, Group, Interner, LabelSource, LabelValue, LabelledName, OVERFLOW, Plan,
    Policy, Record, expression::Attributes, hash, signals::label,
};

/// The inputs of a stream's label values.
#[derive(Clone, Copy)]
pub(super) struct LabelInputs<'a> {
    pub(super) policy: &'a Policy,
    pub(super) record: &'a Record,
    pub(super) attributes: &'a dyn Attributes,
}

/// The interned values of each custom label.
pub(super) struct LabelValues(Vec<RefCell<Interner>>);

impl LabelValues {
    pub(super) fn new(policy: &Policy) -> Self {
        Self(policy.metrics().labels.iter().map(|_| RefCell::default()).collect())
    }

    /// Returns the number of a stream's value; [`OVERFLOW`] beyond the label's limit.
    pub(super) fn number(
        &self,
        source: LabelSource,
        inputs: LabelInputs<'_>,
        limits: &SharedLimits,
        failed: impl FnOnce(),
    ) -> LabelValue {
        if let Some(number) = source.value(inputs.record) {
            return number;
        }
        let LabelSource::Label(index) = source else { return OVERFLOW };
        let metrics = inputs.policy.metrics();
        let (Some(custom), Some(interner)) = (metrics.labels.get(index), self.0.get(index)) else {
            return OVERFLOW;
        };
        let value = custom.label.apply(inputs.attributes).unwrap_or_else(|_| {
            failed();
            label::UNKNOWN.into()
        });
        let value = value.get(..metrics.max_value_bytes).unwrap_or(&value);
        let known = interner.borrow().number(value);
        known.unwrap_or_else(|| {
            let is_admitted = admits(custom, value, limits);
            if is_admitted { interner.borrow_mut().add(value) } else { OVERFLOW }
        })
    }

    /// Returns the name of a series with its labels.
    pub(super) fn name(
        &self,
        key: &[LabelValue],
        family: &Family,
        group: &Group,
        plan: &Plan,
        policy: &Policy,
    ) -> String {
        let labels = group.labels.iter().zip(key).filter_map(|((name, index), number)| {
            let source = plan.sources.get(*index)?;
            Some((name.as_str(), self.text(*source, *number, policy)?))
        });
        let labels: Vec<_> = labels.collect();
        LabelledName { family: &family.name, labels: &labels }.to_string()
    }

    /// Returns the text of a number, encoded for a metric name; `None` if the label is omitted.
    fn text(&self, source: LabelSource, number: LabelValue, policy: &Policy) -> Option<String> {
        match source {
            LabelSource::Label(index) => {
                let interner = self.0.get(index)?.borrow();
                source.text(number, interner.texts())
            }
            LabelSource::Slo(_) => source.text(number, &policy.metrics().slo_names),
            LabelSource::Reporter(_)
            | LabelSource::Method
            | LabelSource::Operation
            | LabelSource::Code
            | LabelSource::GrpcStatus => source.text(number, policy.operations().names()),
        }
    }
}

fn admits(custom: &CustomLabel, value: &[u8], limits: &SharedLimits) -> bool {
    // The value of a missing attribute does not count towards the limit.
    let is_exempt = value == label::UNKNOWN;
    let max = custom.max_values.filter(|_| !is_exempt);
    max.is_none_or(|max| limits.admits_value(&custom.name, max, hash(value)))
}
