//! Lists that are fetched from a server.

use filter_core::remote::{DocumentSpec, FetchEvent, FetchSpec, InvalidDocument, Parsed};

use super::list::ListContent;
use crate::Metric;

mod parse;

/// The configuration of a fetched list.
#[derive(Debug)]
pub struct ListSpec {
    pub(super) name: String,
    pub(super) kind: ListKind,
    pub(super) fetch: FetchSpec,
}

/// A kind of list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ListKind {
    Addresses,
    Texts,
}

impl ListSpec {
    /// Returns the name of the list.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl DocumentSpec for ListSpec {
    type Content = ListContent;
    type Parser = ();
    type Metric = Metric;

    const FILTER: &'static str = "access-control";
    const ACCEPT: &'static str = "text/plain, application/json, */*;q=0.1";
    const USER_AGENT: &'static str = concat!("weir-access-control/", env!("CARGO_PKG_VERSION"));
    const ENTRIES: &'static str = "entries";
    /// Unused, because the URL of a list is configured.
    const UNUSABLE_URI: InvalidDocument = InvalidDocument::new(8, "the URL cannot be used");

    fn fetch(&self) -> &FetchSpec {
        &self.fetch
    }

    fn kind_name(&self) -> &'static str {
        match self.kind {
            ListKind::Addresses => "addresses",
            ListKind::Texts => "texts",
        }
    }

    fn label(&self) -> String {
        format!("list {}", self.name)
    }

    fn max_bytes(&self) -> usize {
        4 * 1024 * 1024
    }

    fn parse(&self, body: &[u8], (): &()) -> Result<Parsed<ListContent>, InvalidDocument> {
        parse::parse(self.kind, body).map(|content| Parsed { content, ignored: Vec::new() })
    }

    fn metric(&self, event: FetchEvent) -> Option<Metric> {
        (event == FetchEvent::Failed).then_some(Metric::ListFetchFailed)
    }
}
