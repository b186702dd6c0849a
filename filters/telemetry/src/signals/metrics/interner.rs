//! Interned values of a label.

use std::collections::HashMap;

use filter_core::label_value;

use super::LabelValue;

/// The values of a label that a worker has seen, numbered in order of appearance.
///
/// It grows with each [`Interner::add`], so callers must limit the number of values.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    numbers: HashMap<Box<[u8]>, LabelValue>,
    texts: Vec<String>,
}

impl Interner {
    /// Returns the number of a value; `None` if it was not added.
    #[must_use]
    pub fn number(&self, value: &[u8]) -> Option<LabelValue> {
        self.numbers.get(value).copied()
    }

    /// Adds a value and returns its number.
    pub fn add(&mut self, value: &[u8]) -> LabelValue {
        let number = LabelValue::try_from(self.texts.len()).unwrap_or(super::OVERFLOW);
        self.texts.push(label_value(value));
        self.numbers.insert(value.into(), number);
        number
    }

    /// Returns the values by number, encoded for metric names.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn values_are_numbered_and_encoded() {
        let mut interner = Interner::default();
        assert_eq!(interner.number(b"a;b"), None);
        assert_eq!((interner.add(b"a;b"), interner.add(b"c")), (0, 1));
        assert_eq!(interner.number(b"a;b"), Some(0));
        assert_eq!(interner.texts(), ["a%3Bb", "c"]);
    }
}
