//! Connects the filters to the proxy.

use std::{collections::BTreeMap, rc::Rc};

use filter_core::{InvalidConfig, parse_config};
use filter_host::{Plugin, Setup, calls::CallId, stream::ContextId};
use serde_json::Value;

use crate::{config::Config, filters::Filters, stream::SuiteStream};

#[cfg(feature = "module")]
filter_host::entry!(Suite);

#[cfg(test)]
mod tests;

/// The suite with its active configuration.
pub struct Suite {
    filters: Rc<Filters>,
}

impl Plugin for Suite {
    type Stream = SuiteStream;

    fn configure(document: &[u8], setup: &Setup) -> Result<Self, InvalidConfig> {
        let config: Config = parse_config(document)?;
        // Shared state depends on the text of the filter's section, not of the whole document.
        let sections: BTreeMap<String, Value> =
            serde_json::from_slice(document).unwrap_or_default();
        let section = |name: &str| sections.get(name).map(Value::to_string).unwrap_or_default();
        let section = |name: &str| section(name).into_bytes();
        let filters = Rc::new(Filters::new(&config, section, setup)?);
        Ok(Self { filters })
    }

    fn open(self: Rc<Self>, context: ContextId) -> SuiteStream {
        SuiteStream::new(Rc::clone(&self.filters), context)
    }

    fn on_tick(&self) {
        self.filters.on_tick();
    }

    fn on_http_call_response(&self, call: CallId, body_size: usize) {
        self.filters.on_http_call_response(call, body_size);
    }
}
