//! What a decision looks at.

use std::collections::BTreeSet;

/// What must be read of a request before a decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Needs {
    /// The headers.
    pub headers: HeaderNeeds,
    /// What the rules look at besides headers: attributes, address and principal of the source.
    pub others: filter_core::Needs,
}

/// The headers that must be read before a decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HeaderNeeds {
    /// These, of each of which one plain read gives every occurrence.
    Named(Vec<String>),
    /// The whole map: more than four, or one of which a plain read gives the first value only.
    All,
}

/// One read costs about a quarter of what reading the whole map costs.
const MOST_NAMED: usize = 4;

impl Needs {
    pub(super) fn new<'a>(
        names: impl IntoIterator<Item = &'a str>,
        others: filter_core::Needs,
    ) -> Self {
        let names: BTreeSet<&str> = names.into_iter().collect();
        // Envoy joins the occurrences of inline headers such as this one; of others it does not.
        let whole = |name: &&str| name.starts_with(':') || *name == "authorization";
        let headers = if names.len() > MOST_NAMED || !names.iter().all(whole) {
            HeaderNeeds::All
        } else {
            HeaderNeeds::Named(names.into_iter().map(ToOwned::to_owned).collect())
        };
        Self { headers, others }
    }
}
