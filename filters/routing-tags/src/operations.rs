//! Changes to headers whose values a request fills in.

use std::{borrow::Cow, collections::BTreeSet};

use crate::placeholder::{Placeholder, PlaceholderKind, PlaceholderText};
use filter_core::{ConfigErrors, HeaderChanges, HeaderEdits, HeaderName, HeaderOperations, Needs};

/// What an entry, or the whole configuration, does to headers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Operations {
    pub(crate) request: Changes,
    pub(crate) response: Changes,
}

/// What is done to one message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    remove: Vec<HeaderName>,
    set: Vec<(HeaderName, PlaceholderText)>,
    add: Vec<(HeaderName, PlaceholderText)>,
}

/// The placeholders that a header's value may hold.
const KNOWN: [PlaceholderKind; 5] = [
    PlaceholderKind::Request,
    PlaceholderKind::Claim,
    PlaceholderKind::Path,
    PlaceholderKind::Tag,
    PlaceholderKind::Rule,
];

impl Operations {
    /// Compiles what stands at `path`; `owned` are the headers that carry tags.
    pub(crate) fn compile(
        config: &HeaderOperations,
        path: &str,
        owned: &BTreeSet<HeaderName>,
        errors: &mut ConfigErrors,
    ) -> Self {
        let mut compile =
            |changes, part| Changes::compile(changes, &format!("{path}.{part}"), owned, errors);
        let request = compile(&config.request, "request");
        Self { request, response: compile(&config.response, "response") }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty()
    }

    /// Iterates over every placeholder.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        let texts = [&self.request, &self.response].into_iter();
        let texts = texts.flat_map(|changes| changes.set.iter().chain(&changes.add));
        texts.flat_map(|(_, text)| text.placeholders())
    }

    /// Adds what must be read of a request.
    pub(crate) fn add_needs(&self, needs: &mut Needs) {
        self.placeholders().for_each(|placeholder| placeholder.add_needs(needs));
    }
}

impl Changes {
    fn compile(
        config: &HeaderChanges,
        path: &str,
        owned: &BTreeSet<HeaderName>,
        errors: &mut ConfigErrors,
    ) -> Self {
        for name in config.names() {
            if owned.contains(name) || name.as_str() == "baggage" {
                let rule = format!("must not touch {name}, which carries tags");
                errors.add(path, rule);
            }
        }
        let mut texts = |part: &str, pairs: &mut dyn Iterator<Item = (&HeaderName, &str)>| {
            let mut compiled = Vec::new();
            for (name, text) in pairs {
                match PlaceholderText::parse(text, &KNOWN) {
                    Ok(text) => compiled.push((name.clone(), text)),
                    Err(rule) => errors.add(format_args!("{path}.{part}.{name}"), rule),
                }
            }
            compiled
        };
        let set = config.set.iter().map(|(name, text)| (name.as_header_name(), text.as_str()));
        let add = config.add.iter().map(|(name, text)| (name.as_header_name(), text.as_str()));
        let (mut set, mut add) = (set, add);
        Self {
            remove: config.remove.iter().map(|name| name.as_header_name().clone()).collect(),
            set: texts("set", &mut set),
            add: texts("add", &mut add),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    /// Fills in values; `refused` counts those that were left out.
    pub(crate) fn edits<'v>(
        &self,
        value: &dyn Fn(&Placeholder) -> Option<Cow<'v, [u8]>>,
        refused: &mut usize,
    ) -> HeaderEdits {
        let mut filled = |texts: &[(HeaderName, PlaceholderText)]| {
            let mut pairs = Vec::new();
            for (name, text) in texts {
                match text.expand(value) {
                    Some(value) => pairs.push((name.clone(), value)),
                    None => *refused = refused.saturating_add(1),
                }
            }
            pairs
        };
        HeaderEdits { remove: self.remove.clone(), set: filled(&self.set), add: filled(&self.add) }
    }
}
