//! Operations: named path templates, optionally for certain methods and hosts.

use std::collections::BTreeMap;

use filter_core::{ConfigErrors, PathNormalization, PathTrie, RequestPath};

use crate::config::{HostPattern, MethodName, OperationConfig};

/// The operations of a document.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    /// Indexes into `entries`.
    trie: PathTrie<usize>,
    entries: Vec<Entry>,
    names: Vec<String>,
    normalization: PathNormalization,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    methods: Vec<MethodName>,
    hosts: Vec<HostPattern>,
    /// Index into [`Operations::names`].
    name: usize,
}

/// The parts of a request that determine its operation.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestTarget<'a> {
    /// `:path`, with the query.
    pub path: &'a [u8],
    /// `:method`; can be empty unless [`Operations::reads_method`].
    pub method: &'a [u8],
    /// `:authority`; can be empty unless [`Operations::reads_host`].
    pub host: &'a [u8],
}

/// Maximum number of operations.
const MAX_OPERATIONS: usize = 4096;
/// Maximum length of a template that is used as the name, in bytes.
const MAX_NAME_LEN: usize = 64;

impl Operations {
    /// Compiles the operations of a document.
    pub(crate) fn compile(
        configs: &[OperationConfig],
        normalization: PathNormalization,
        errors: &mut ConfigErrors,
    ) -> Self {
        if configs.len() > MAX_OPERATIONS {
            let got = configs.len();
            errors.add(
                "operations",
                format_args!("must have at most {MAX_OPERATIONS} entries, got {got}"),
            );
            return Self::default();
        }
        check_unique(configs, errors);
        let mut operations = Self { normalization, ..Self::default() };
        let mut indexes: BTreeMap<String, usize> = BTreeMap::new();
        for (index, config) in configs.iter().enumerate() {
            let name = name(config, index, errors);
            let next = indexes.len();
            let name_index = *indexes.entry(name.clone()).or_insert(next);
            if name_index == next {
                operations.names.push(name);
            }
            let entry = Entry {
                methods: config.methods.clone(),
                hosts: config.hosts.clone(),
                name: name_index,
            };
            operations.entries.push(entry);
        }
        // Of entries with the same template, the most specific one is tried first.
        let mut order: Vec<usize> = (0..configs.len()).collect();
        order.sort_by_key(|index| operations.entries.get(*index).map(Entry::breadth));
        for index in order {
            if let Some(config) = configs.get(index) {
                operations.trie.insert(&config.path_template, index);
            }
        }
        operations
    }

    /// Returns `true` if the document has no operations.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the distinct names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns `true` if an operation matches on methods.
    #[must_use]
    pub fn reads_method(&self) -> bool {
        self.entries.iter().any(|entry| !entry.methods.is_empty())
    }

    /// Returns `true` if an operation matches on hosts.
    #[must_use]
    pub fn reads_host(&self) -> bool {
        self.entries.iter().any(|entry| !entry.hosts.is_empty())
    }

    /// Returns the name index of a request's operation; `None` if none matches, or if readings of
    /// the path match different operations.
    #[must_use]
    pub fn find(&self, target: &RequestTarget<'_>) -> Option<usize> {
        RequestPath::new(target.path, self.normalization).agreed(|path| {
            let found = self.trie.all(path).into_iter();
            let mut entries = found.filter_map(|index| self.entries.get(*index));
            entries.find(|entry| entry.matches(target)).map(|entry| entry.name)
        })
    }
}

impl Entry {
    fn matches(&self, target: &RequestTarget<'_>) -> bool {
        let is_method = |method: &MethodName| method.as_str().as_bytes() == target.method;
        (self.methods.is_empty() || self.methods.iter().any(is_method))
            && (self.hosts.is_empty() || self.hosts.iter().any(|host| covers(host, target.host)))
    }

    /// Orders entries of one template from specific to general: by hosts, with exact names before
    /// patterns, then by methods.
    fn breadth(&self) -> (usize, usize, usize) {
        let patterns = self.hosts.iter().filter(|host| host.as_str().starts_with('*')).count();
        let count = |length: usize| if length == 0 { usize::MAX } else { length };
        (
            if self.hosts.is_empty() { usize::MAX } else { patterns },
            count(self.hosts.len()),
            count(self.methods.len()),
        )
    }
}

/// Returns `true` if a host, with or without a port, matches a pattern.
fn covers(pattern: &HostPattern, host: &[u8]) -> bool {
    let host = without_port(host);
    let pattern = pattern.as_str().as_bytes();
    match pattern.strip_prefix(b"*") {
        None => host.eq_ignore_ascii_case(pattern),
        Some(suffix) => {
            let start = host.len().checked_sub(suffix.len()).filter(|start| *start > 0);
            start
                .and_then(|start| host.get(start..))
                .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        }
    }
}

fn without_port(host: &[u8]) -> &[u8] {
    let colon = host.iter().rposition(|byte| *byte == b':');
    let port = |colon: &usize| host.iter().skip(colon.saturating_add(1)).all(u8::is_ascii_digit);
    colon.filter(port).and_then(|colon| host.get(..colon)).unwrap_or(host)
}

fn name(config: &OperationConfig, index: usize, errors: &mut ConfigErrors) -> String {
    if let Some(name) = &config.name {
        return name.as_str().to_owned();
    }
    let text = config.path_template.as_str();
    if text.len() > MAX_NAME_LEN {
        errors.add(
            format_args!("operations[{index}].name"),
            format_args!("is required if the template is longer than {MAX_NAME_LEN} bytes"),
        );
    }
    text.to_owned()
}

fn check_unique(configs: &[OperationConfig], errors: &mut ConfigErrors) {
    let mut seen = BTreeMap::new();
    for (index, config) in configs.iter().enumerate() {
        let mut methods = config.methods.clone();
        let mut hosts = config.hosts.clone();
        methods.sort();
        hosts.sort();
        if let Some(other) = seen.insert((shape(config), methods, hosts), index) {
            errors.add(
                format_args!("operations[{index}]"),
                format_args!(
                    "must differ from operations[{other}] in its template, methods or hosts"
                ),
            );
        }
    }
}

/// Returns a template without the names of its variables.
fn shape(config: &OperationConfig) -> String {
    let segments = config.path_template.as_str().split('/').map(|segment| {
        match (segment.starts_with('{'), segment.ends_with("**}")) {
            (true, true) => "{**}",
            (true, false) => "{*}",
            (false, _) => segment,
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests;
