//! A compiled entry of `http`.

use std::time::SystemTime;

use filter_core::{Needs, PlaceholderText, Schedule};

use crate::{canary::Canary, operations::Operations, split::Split, sticky::Sticky, tag::Tag};

/// A compiled entry of `http`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Index of its tag header in [`Policy::tag_headers`](crate::Policy::tag_headers).
    pub(crate) header_index: usize,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) source: TagSource,
    pub(crate) sticky: Option<Sticky>,
    pub(crate) operations: Operations,
}

/// The source of an entry's tag.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TagSource {
    /// No tag: the entry only changes headers.
    Nothing,
    Literal(Tag),
    Template(PlaceholderText),
    Split(Split),
    Canary(Canary),
}

impl TagSource {
    /// Returns the configured tags by variant, none for a template.
    pub(crate) fn tags(&self) -> Vec<&Tag> {
        match self {
            Self::Nothing | Self::Template(_) => Vec::new(),
            Self::Literal(tag) => vec![tag],
            Self::Split(split) => split.variants.iter().map(|(tag, _)| tag).collect(),
            Self::Canary(canary) => vec![&canary.baseline, &canary.canary],
        }
    }

    /// Returns the names of the variants in metrics.
    pub(crate) fn labels(&self) -> Vec<String> {
        match self {
            Self::Template(_) => vec!["template".to_owned()],
            Self::Nothing | Self::Literal(_) | Self::Split(_) | Self::Canary(_) => {
                self.tags().into_iter().map(ToString::to_string).collect()
            }
        }
    }

    pub(crate) const fn canary(&self) -> Option<&Canary> {
        match self {
            Self::Canary(canary) => Some(canary),
            Self::Nothing | Self::Literal(_) | Self::Template(_) | Self::Split(_) => None,
        }
    }
}

impl Entry {
    /// Returns `true` if every request that matches gets a tag.
    pub(crate) const fn always_decides(&self) -> bool {
        self.schedule.is_none()
            && matches!(
                self.source,
                TagSource::Literal(_) | TagSource::Split(_) | TagSource::Canary(_)
            )
    }

    /// Returns `true` if the decision depends on the time.
    pub(crate) const fn uses_time(&self) -> bool {
        self.schedule.is_some() || self.source.canary().is_some()
    }

    /// Returns `true` if schedule and weight are the same at both times.
    pub(crate) fn is_unchanged(&self, from: SystemTime, to: SystemTime) -> bool {
        let schedule = self.schedule.as_ref();
        let is_active = |time| schedule.is_none_or(|schedule| schedule.is_active(time));
        let weight = |time| self.source.canary().map_or(0, |canary| canary.weight(time));
        is_active(from) == is_active(to) && weight(from) == weight(to)
    }

    /// Adds the inputs of the entry, except those of its `match`.
    pub(crate) fn add_needs(&self, needs: &mut Needs) {
        if let TagSource::Template(text) = &self.source {
            text.placeholders().for_each(|placeholder| placeholder.add_needs(needs));
        }
        if let Some(sticky) = &self.sticky {
            needs.merge(&sticky.hash.needs());
            // An issued cookie has `Secure` if the scheme is https.
            let issues = sticky.hash.issued_cookie().is_some();
            needs.headers.extend(issues.then(|| ":scheme".to_owned()));
        }
        self.operations.add_needs(needs);
    }
}
