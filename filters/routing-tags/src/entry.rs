//! One entry, compiled.

use std::time::SystemTime;

use crate::placeholder::PlaceholderText;
use filter_core::{Needs, Schedule};

use crate::{canary::Canary, operations::Operations, split::Split, sticky::Sticky, tag::Tag};

/// What is decided about the requests that an entry matches.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// The place of its header among those that carry tags.
    pub(crate) slot: usize,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) choice: Choice,
    pub(crate) sticky: Option<Sticky>,
    pub(crate) operations: Operations,
}

/// Where an entry's tag comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Choice {
    /// There is none: the entry changes headers only.
    Nothing,
    Literal(Tag),
    Template(PlaceholderText),
    Split(Split),
    Canary(Canary),
}

impl Choice {
    /// Returns the tags that it chooses between; none where a request makes them.
    pub(crate) fn tags(&self) -> Vec<&Tag> {
        match self {
            Self::Nothing | Self::Template(_) => Vec::new(),
            Self::Literal(tag) => vec![tag],
            Self::Split(split) => split.variants.iter().map(|(tag, _)| tag).collect(),
            Self::Canary(canary) => vec![&canary.baseline, &canary.canary],
        }
    }

    /// Returns what metrics call the variants, in their order.
    pub(crate) fn labels(&self) -> Vec<String> {
        match self {
            Self::Template(_) => vec!["template".to_owned()],
            _ => self.tags().into_iter().map(ToString::to_string).collect(),
        }
    }
}

impl Entry {
    /// Says whether it gives a tag to every request that it matches.
    pub(crate) const fn always_decides(&self) -> bool {
        self.schedule.is_none()
            && matches!(self.choice, Choice::Literal(_) | Choice::Split(_) | Choice::Canary(_))
    }

    /// Says whether the time of day plays a part.
    pub(crate) const fn tells_time(&self) -> bool {
        self.schedule.is_some() || matches!(self.choice, Choice::Canary(_))
    }

    /// Says whether it gives all requests the same chances at both instants.
    pub(crate) fn is_alike(&self, at: SystemTime, later: SystemTime) -> bool {
        let schedule = self.schedule.as_ref();
        let is_open = |time| schedule.is_none_or(|schedule| schedule.is_active(time));
        let weight = |time| match &self.choice {
            Choice::Canary(canary) => canary.weight(time),
            _ => 0,
        };
        is_open(at) == is_open(later) && weight(at) == weight(later)
    }

    /// Adds what must be read of a request besides what its matches look at.
    pub(crate) fn add_needs(&self, needs: &mut Needs) {
        if let Choice::Template(text) = &self.choice {
            text.placeholders().for_each(|placeholder| placeholder.add_needs(needs));
        }
        if let Some(sticky) = &self.sticky {
            needs.merge(&sticky.hash.needs());
            // An issued cookie is `Secure` where the request came by https.
            let issues = sticky.hash.issued_cookie().is_some();
            needs.headers.extend(issues.then(|| ":scheme".to_owned()));
        }
        self.operations.add_needs(needs);
    }
}
