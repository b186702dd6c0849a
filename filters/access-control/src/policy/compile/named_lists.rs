//! Compilation of named lists.

use std::{cell::OnceCell, collections::BTreeMap, rc::Rc, time::Duration};

use filter_core::{
    ConfigErrors, IpSet, Warning,
    remote::{FetchHeaders, FetchSpec, Freshness, Origin, cluster_for},
};

use crate::{
    config::{ListConfig, OnUnavailable},
    policy::{
        FetchedList,
        fetched_list::{ListKind, ListSpec},
        list::{List, SharedList, TextSet},
    },
};

const MAX_ENTRIES: usize = 100_000;
/// The maximum number of fetched lists: each can need 4 MiB of shared data, and as much in every
/// worker.
const MAX_FETCHED: usize = 16;
const TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_REFRESH: Duration = Duration::from_secs(60);
const MIN_REFRESH: Duration = Duration::from_secs(5);
const DEFAULT_STALE: Duration = Duration::from_secs(3_600);

/// The named lists of a document.
#[derive(Debug, Default)]
pub(super) struct NamedLists<'c>(BTreeMap<&'c str, NamedList>);

/// A named list.
#[derive(Debug)]
enum NamedList {
    Inline(SharedList),
    Fetched(Box<Fetched>),
}

/// A fetched list. Its first use determines whether it has addresses or texts.
#[derive(Debug)]
struct Fetched {
    fetch: FetchSpec,
    on_unavailable: OnUnavailable,
    list: OnceCell<SharedList>,
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
                errors.add(
                    &path,
                    "must have a name of 1 to 253 characters A-Z, a-z, 0-9, '.', '_' and '-'",
                );
            }
            if config.uri.is_none() && config.has_fetch_fields() {
                let text = "is required with service, port, subset, cluster, refreshInterval, \
                            staleIfError or onUnavailable";
                errors.add(format_args!("{path}.uri"), text);
            }
            let list = match (&config.ips, &config.values, &config.uri) {
                (Some(ips), None, None) => {
                    entries = entries.saturating_add(ips.len());
                    let set: IpSet = ips.iter().copied().collect();
                    NamedList::Inline(SharedList::Addresses(Rc::new(List::new(set))))
                }
                (None, Some(values), None) => {
                    check_texts(values, &path, errors);
                    entries = entries.saturating_add(values.len());
                    let set: TextSet = values.iter().map(|value| value.as_bytes().into()).collect();
                    NamedList::Inline(SharedList::Texts(Rc::new(List::new(set))))
                }
                (None, None, Some(_)) => match fetch(config, &path, errors) {
                    Some(fetch) => NamedList::Fetched(Box::new(Fetched {
                        fetch,
                        on_unavailable: config.on_unavailable.unwrap_or_default(),
                        list: OnceCell::new(),
                    })),
                    None => continue,
                },
                _ => {
                    errors.add(path, "must have exactly one of ips, values and uri");
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
        let fetched = lists.values().filter(|list| matches!(list, NamedList::Fetched(_))).count();
        if fetched > MAX_FETCHED {
            errors.add(
                "lists",
                format_args!("must have at most {MAX_FETCHED} lists with uri, got {fetched}"),
            );
        }
        Self(lists)
    }

    /// Returns the list of addresses with this name.
    pub(super) fn addresses(&self, name: &str) -> Result<Rc<List<IpSet>>, String> {
        let create =
            |on_unavailable| SharedList::Addresses(Rc::new(List::unavailable(on_unavailable)));
        match self.get(name, create)? {
            SharedList::Addresses(list) => Ok(list),
            SharedList::Texts(_) => Err(self.wrong_kind(name, "ips")),
        }
    }

    /// Returns the list of texts with this name.
    pub(super) fn texts(&self, name: &str) -> Result<Rc<List<TextSet>>, String> {
        let create = |on_unavailable| SharedList::Texts(Rc::new(List::unavailable(on_unavailable)));
        match self.get(name, create)? {
            SharedList::Texts(list) => Ok(list),
            SharedList::Addresses(_) => Err(self.wrong_kind(name, "values")),
        }
    }

    /// Returns the fetched lists that rules use. Warns about unused and questionable lists.
    pub(super) fn into_fetched(self, warnings: &mut Vec<Warning>) -> Vec<FetchedList> {
        let mut used = Vec::new();
        for (name, list) in self.0 {
            let NamedList::Fetched(fetched) = list else { continue };
            let Fetched { fetch, on_unavailable, list } = *fetched;
            let path = format!("lists.{name}");
            let Some(list) = list.into_inner() else {
                warnings.push(Warning::new(path, "is not fetched, because no rule uses it"));
                continue;
            };
            if on_unavailable == OnUnavailable::Empty {
                let text = "while the list is unavailable it counts as empty, so a DENY rule does \
                            not deny its entries";
                warnings.push(Warning::new(format_args!("{path}.onUnavailable"), text));
            }
            let kind = match &list {
                SharedList::Addresses(_) => ListKind::Addresses,
                SharedList::Texts(_) => ListKind::Texts,
            };
            let spec = Rc::new(ListSpec { name: name.to_owned(), kind, fetch });
            used.push(FetchedList { spec, list });
        }
        used
    }

    fn get(
        &self,
        name: &str,
        create: impl FnOnce(OnUnavailable) -> SharedList,
    ) -> Result<SharedList, String> {
        match self.0.get(name) {
            Some(NamedList::Inline(list)) => Ok(list.clone()),
            Some(NamedList::Fetched(fetched)) => {
                Ok(fetched.list.get_or_init(|| create(fetched.on_unavailable)).clone())
            }
            None => {
                let names: Vec<_> = self.0.keys().copied().collect();
                Err(format!("must be a name in lists ({})", names.join(", ")))
            }
        }
    }

    fn wrong_kind(&self, name: &str, field: &str) -> String {
        match self.0.get(name) {
            Some(NamedList::Fetched(_)) => {
                "must not be a list of both addresses and texts: define two lists with the same uri"
                    .to_owned()
            }
            _ => format!("must be a list with {field}"),
        }
    }
}

/// Compiles the fetches of a list with `uri`; `None` after an error.
fn fetch(config: &ListConfig, path: &str, errors: &mut ConfigErrors) -> Option<FetchSpec> {
    let endpoint = config.uri.as_ref()?.endpoint();
    let named = config.named_cluster();
    let cluster = cluster_for(endpoint, named, path, &format!("{path}.uri"), errors)?;
    let refresh = config.refresh_interval.map_or(DEFAULT_REFRESH, |interval| interval.get());
    Some(FetchSpec {
        origin: Origin::Url(endpoint.clone()),
        cluster,
        headers: FetchHeaders::default(),
        timeout: TIMEOUT,
        freshness: Freshness { default: refresh, min: MIN_REFRESH, max: refresh },
        stale_if_error: config.stale_if_error.map_or(DEFAULT_STALE, |stale| stale.get()),
        refetch_interval: Duration::ZERO,
    })
}

/// Adds an error for each text that a fetched list could not have.
fn check_texts(values: &[String], path: &str, errors: &mut ConfigErrors) {
    for (index, value) in values.iter().enumerate() {
        if value.is_empty() || value.trim() != value || value.chars().any(char::is_control) {
            errors.add(
                format_args!("{path}.values[{index}]"),
                "must be a text without control characters and without spaces at its ends",
            );
        }
    }
}
