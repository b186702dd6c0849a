//! The families of one listener direction.

use crate::signals::metrics::{Family, LabelSource};

/// Families with the same labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// The names of the labels and the indexes of their sources in [`Plan::sources`].
    pub labels: Vec<(String, usize)>,
    /// The families.
    pub families: Vec<Family>,
}

/// All families of one listener direction, grouped by labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The sources of label values, without duplicates.
    pub sources: Vec<LabelSource>,
    /// The families, grouped by labels.
    pub groups: Vec<Group>,
}

impl Plan {
    /// Adds a family with its labels.
    pub(super) fn add(&mut self, family: Family, labels: &[(String, LabelSource)]) {
        let labels: Vec<_> = labels
            .iter()
            .map(|(name, source)| (name.clone(), self.source_index(*source)))
            .collect();
        let known = self.groups.iter_mut().find(|group| group.labels == labels);
        match known {
            Some(group) => group.families.push(family),
            None => self.groups.push(Group { labels, families: vec![family] }),
        }
    }

    fn source_index(&mut self, source: LabelSource) -> usize {
        self.sources.iter().position(|known| *known == source).unwrap_or_else(|| {
            self.sources.push(source);
            self.sources.len().saturating_sub(1)
        })
    }

    /// Returns `true` if a label has this source.
    #[must_use]
    pub fn reads(&self, source: LabelSource) -> bool {
        self.sources.contains(&source)
    }
}
