//! Three-valued logic.

/// The result of a condition for a request, in Kleene's three-valued logic.
///
/// A condition is unsure if a value cannot be parsed, or if only some of its readings satisfy the
/// condition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// The condition is false.
    No,
    /// The condition may be true or false, depending on how the value is read.
    Unsure,
    /// The condition is true.
    Yes,
}

impl Answer {
    /// Returns `true` only for [`Answer::Yes`].
    #[must_use]
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::Yes)
    }

    /// Returns `Yes` if both are `Yes`, `No` if either is `No`, and otherwise `Unsure`.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unsure,
        }
    }

    /// Returns the common answer of two readings of one value, and `Unsure` if they differ.
    #[must_use]
    pub const fn agreed(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::Unsure,
        }
    }

    /// Returns the conjunction; evaluation stops at the first `No`.
    pub(crate) fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Yes;
        for answer in answers {
            all = all.and(answer);
            if all == Self::No {
                break;
            }
        }
        all
    }

    /// Returns the disjunction; evaluation stops at the first `Yes`.
    pub(crate) fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        !Self::all(answers.into_iter().map(|answer| !answer))
    }

    /// Returns the common answer of all readings, `Unsure` if they differ, and `None` without
    /// readings.
    pub(crate) fn agreement(answers: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut agreement = None;
        for answer in answers {
            let agreed = agreement.map_or(answer, |so_far: Self| so_far.agreed(answer));
            agreement = Some(agreed);
            if agreed == Self::Unsure {
                break;
            }
        }
        agreement
    }
}

impl std::ops::Not for Answer {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unsure => Self::Unsure,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Answer {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::Answer::{self, No, Unsure, Yes};

    #[test]
    fn follows_kleenes_truth_tables() {
        for (a, b, and, or, agreed) in [
            (Yes, Yes, Yes, Yes, Yes),
            (Yes, Unsure, Unsure, Yes, Unsure),
            (Yes, No, No, Yes, Unsure),
            (Unsure, Unsure, Unsure, Unsure, Unsure),
            (Unsure, No, No, Unsure, Unsure),
            (No, No, No, No, No),
        ] {
            for pair in [[a, b], [b, a]] {
                assert_eq!(Answer::all(pair), and, "{pair:?}");
                assert_eq!(Answer::any(pair), or, "{pair:?}");
                assert_eq!(Answer::agreement(pair), Some(agreed), "{pair:?}");
            }
        }
    }

    #[test]
    fn an_empty_conjunction_is_yes_and_an_empty_disjunction_no() {
        assert_eq!(Answer::all([]), Yes);
        assert_eq!(Answer::any([]), No);
        assert_eq!(Answer::agreement([]), None);
        assert_eq!([!Yes, !Unsure, !No], [No, Unsure, Yes]);
    }
}
