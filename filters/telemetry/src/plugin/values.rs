//! Values of the document's labels, admitted and numbered.

use std::cell::RefCell;

use super::admitting::Shared;
use crate::{
    CustomLabel, Interner, LabelSource, LabelValue, OVERFLOW, Policy, Record,
    expression::Attributes, hash, signals::label,
};

/// What the labels of a stream are made of.
#[derive(Clone, Copy)]
pub(super) struct Labels<'a> {
    pub(super) policy: &'a Policy,
    pub(super) record: &'a Record,
    pub(super) at: &'a dyn Attributes,
}

/// The values of each label of the document that this worker has met.
pub(super) struct Values(Vec<RefCell<Interner>>);

impl Values {
    pub(super) fn new(policy: &Policy) -> Self {
        Self(policy.metrics().labels.iter().map(|_| RefCell::default()).collect())
    }

    /// Returns the number of the value that a stream has.
    pub(super) fn number(
        &self,
        source: LabelSource,
        labels: Labels<'_>,
        shared: &Shared,
        failed: impl FnOnce(),
    ) -> LabelValue {
        if let Some(number) = source.value(labels.record) {
            return number;
        }
        let LabelSource::Label(place) = source else { return OVERFLOW };
        let metrics = labels.policy.metrics();
        let (Some(own), Some(interner)) = (metrics.labels.get(place), self.0.get(place)) else {
            return OVERFLOW;
        };
        let value = own.label.apply(labels.at).unwrap_or_else(|_| {
            failed();
            label::UNKNOWN.into()
        });
        let value = value.get(..metrics.max_value_bytes).unwrap_or(&value);
        let known = interner.borrow().number(value);
        known.unwrap_or_else(|| {
            if admits(own, value, shared) { interner.borrow_mut().add(value) } else { OVERFLOW }
        })
    }

    /// Returns the text of a number, fit for a name; `None` where the series goes without.
    pub(super) fn text(
        &self,
        source: LabelSource,
        number: LabelValue,
        policy: &Policy,
    ) -> Option<String> {
        match source {
            LabelSource::Label(place) => {
                let interner = self.0.get(place)?.borrow();
                source.text(number, interner.texts())
            }
            LabelSource::Slo(_) => source.text(number, &policy.metrics().slo_names),
            _ => source.text(number, policy.operations().names()),
        }
    }
}

fn admits(own: &CustomLabel, value: &[u8], shared: &Shared) -> bool {
    // What a stream lacks takes no place among the values.
    let is_free = value == label::UNKNOWN;
    let most = own.max_values.filter(|_| !is_free);
    most.is_none_or(|most| shared.admits_value(&own.name, most, hash(value)))
}
