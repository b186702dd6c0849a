//! Header operations with placeholders.

use std::{borrow::Cow, collections::BTreeSet};

use filter_core::{
    ConfigErrors, HeaderChanges, HeaderEdits, HeaderName, HeaderOperations, Needs, Placeholder,
    PlaceholderKind, PlaceholderText,
};

/// The compiled `headers` of an entry or of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Operations {
    pub(crate) request: Changes,
    pub(crate) response: Changes,
}

/// Changes to the headers of one message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    remove: Vec<HeaderName>,
    set: Vec<(HeaderName, PlaceholderText)>,
    add: Vec<(HeaderName, PlaceholderText)>,
}

/// The placeholders that are allowed in the value of a header.
const PLACEHOLDERS: [PlaceholderKind; 5] = [
    PlaceholderKind::Request,
    PlaceholderKind::Claim,
    PlaceholderKind::Path,
    PlaceholderKind::Tag,
    PlaceholderKind::Rule,
];

impl Operations {
    /// Compiles the operations at `path`, which must not change `tag_headers`.
    pub(crate) fn compile(
        config: &HeaderOperations,
        path: &str,
        tag_headers: &BTreeSet<HeaderName>,
        errors: &mut ConfigErrors,
    ) -> Self {
        let mut compile = |changes, part| {
            Changes::compile(changes, &format!("{path}.{part}"), tag_headers, errors)
        };
        let request = compile(&config.request, "request");
        Self { request, response: compile(&config.response, "response") }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty()
    }

    /// Returns all placeholders.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        let texts = [&self.request, &self.response].into_iter();
        let texts = texts.flat_map(|changes| changes.set.iter().chain(&changes.add));
        texts.flat_map(|(_, text)| text.placeholders())
    }

    /// Adds the inputs of the placeholders.
    pub(crate) fn add_needs(&self, needs: &mut Needs) {
        self.placeholders().for_each(|placeholder| placeholder.add_needs(needs));
    }
}

impl Changes {
    fn compile(
        config: &HeaderChanges,
        path: &str,
        tag_headers: &BTreeSet<HeaderName>,
        errors: &mut ConfigErrors,
    ) -> Self {
        for name in config.names() {
            if tag_headers.contains(name) || name.as_str() == "baggage" {
                errors.add(path, format_args!("must not change {name}, which carries tags"));
            }
        }
        let mut texts = |part: &str, pairs: &mut dyn Iterator<Item = (&HeaderName, &str)>| {
            let mut compiled = Vec::new();
            for (name, text) in pairs {
                match PlaceholderText::parse(text, &PLACEHOLDERS) {
                    Ok(text) => compiled.push((name.clone(), text)),
                    Err(rule) => errors.add(format_args!("{path}.{part}.{name}"), rule),
                }
            }
            compiled
        };
        let mut set = config.set.iter().map(|(name, text)| (name.as_header_name(), text.as_str()));
        let mut add = config.add.iter().map(|(name, text)| (name.as_header_name(), text.as_str()));
        Self {
            remove: config.remove.iter().map(|name| name.as_header_name().clone()).collect(),
            set: texts("set", &mut set),
            add: texts("add", &mut add),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    /// Expands the placeholders. Headers with a refused value are left out; `refused` counts them.
    pub(crate) fn expand<'v>(
        &self,
        value: &dyn Fn(&Placeholder) -> Option<Cow<'v, [u8]>>,
        refused: &mut usize,
    ) -> HeaderEdits {
        let mut expand = |texts: &[(HeaderName, PlaceholderText)]| {
            let mut pairs = Vec::new();
            for (name, text) in texts {
                match text.expand(value) {
                    Some(value) => pairs.push((name.clone(), value)),
                    None => *refused = refused.saturating_add(1),
                }
            }
            pairs
        };
        HeaderEdits { remove: self.remove.clone(), set: expand(&self.set), add: expand(&self.add) }
    }
}
