//! The families of one direction, grouped by their labels.

use crate::signals::metrics::{Family, LabelSource};

/// Families whose series have the same labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Names of the labels, and the places of their sources among [`Plan::sources`].
    pub labels: Vec<(String, usize)>,
    /// The families.
    pub families: Vec<Family>,
}

/// Every family of one direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Sources of labels' values.
    pub sources: Vec<LabelSource>,
    /// The families, by their labels.
    pub groups: Vec<Group>,
}

impl Plan {
    /// Adds a family with its labels.
    pub(super) fn add(&mut self, family: Family, labels: &[(String, LabelSource)]) {
        let labels: Vec<_> =
            labels.iter().map(|(name, source)| (name.clone(), self.place(*source))).collect();
        let known = self.groups.iter_mut().find(|group| group.labels == labels);
        match known {
            Some(group) => group.families.push(family),
            None => self.groups.push(Group { labels, families: vec![family] }),
        }
    }

    fn place(&mut self, source: LabelSource) -> usize {
        self.sources.iter().position(|known| *known == source).unwrap_or_else(|| {
            self.sources.push(source);
            self.sources.len().saturating_sub(1)
        })
    }

    /// Says whether a label or a family looks at the method.
    #[must_use]
    pub fn reads(&self, source: LabelSource) -> bool {
        self.sources.contains(&source)
    }
}
