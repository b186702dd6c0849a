//! Compilation of named lists.

use std::{
    collections::{BTreeMap, HashSet},
    rc::Rc,
};

use filter_core::{ConfigErrors, IpSet};

use crate::config::ListConfig;

const MAX_ENTRIES: usize = 100_000;

/// The named lists of a document.
#[derive(Debug, Default)]
pub(super) struct NamedLists<'c>(BTreeMap<&'c str, NamedList>);

/// A named list.
#[derive(Debug)]
enum NamedList {
    Addresses(Rc<IpSet>),
    Values(Rc<HashSet<Vec<u8>>>),
}

impl<'c> NamedLists<'c> {
    pub(super) fn compile(
        configs: &'c BTreeMap<String, ListConfig>,
        errors: &mut ConfigErrors,
    ) -> Self {
        let mut lists = BTreeMap::new();
        let mut entries: usize = 0;
        for (name, config) in configs {
            let path = format!("lists.{name}");
            if !super::is_name(name) {
                errors.add(&path, "must be named by A-Z, a-z, 0-9, '.', '_' and '-'");
            }
            let list = match (&config.ips, &config.values) {
                (Some(ips), None) => {
                    entries = entries.saturating_add(ips.len());
                    NamedList::Addresses(Rc::new(ips.iter().copied().collect()))
                }
                (None, Some(values)) => {
                    entries = entries.saturating_add(values.len());
                    let values = values.iter().map(|value| value.as_bytes().to_vec());
                    NamedList::Values(Rc::new(values.collect()))
                }
                _ => {
                    errors.add(path, "must have exactly one of ips and values");
                    continue;
                }
            };
            lists.insert(name.as_str(), list);
        }
        if entries > MAX_ENTRIES {
            errors.add(
                "lists",
                format_args!("must have at most {MAX_ENTRIES} entries together, got {entries}"),
            );
        }
        Self(lists)
    }

    /// Returns the list of addresses with this name.
    pub(super) fn addresses(&self, name: &str) -> Result<Rc<IpSet>, String> {
        match self.0.get(name) {
            Some(NamedList::Addresses(set)) => Ok(Rc::clone(set)),
            Some(NamedList::Values(_)) => Err("must be a list with ips".to_owned()),
            None => Err(self.unknown()),
        }
    }

    /// Returns the list of texts with this name.
    pub(super) fn values(&self, name: &str) -> Result<Rc<HashSet<Vec<u8>>>, String> {
        match self.0.get(name) {
            Some(NamedList::Values(set)) => Ok(Rc::clone(set)),
            Some(NamedList::Addresses(_)) => Err("must be a list with values".to_owned()),
            None => Err(self.unknown()),
        }
    }

    fn unknown(&self) -> String {
        let names: Vec<_> = self.0.keys().copied().collect();
        format!("must be a name in lists ({})", names.join(", "))
    }
}
