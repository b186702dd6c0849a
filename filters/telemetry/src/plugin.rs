//! Joins the policy to the proxy: notes what passes, and records it when the stream ends.

use std::rc::Rc;

use filter_core::{InvalidConfig, parse_config};
use filter_host::{
    Plugin, Root,
    proxy_wasm::{self, traits::HttpContext},
    stream::ContextId,
};

use crate::{
    Config, Direction, Policy, Record,
    plugin::{exchange::Stream, meters::Meters},
};

mod exchange;
mod meters;
mod reading;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(Root::<Telemetry>::boxed);
}}

/// The filter with its configuration in force.
struct Telemetry {
    policy: Policy,
    meters: Meters,
}

impl Plugin for Telemetry {
    fn configure(document: &[u8], _context: ContextId) -> Result<Self, InvalidConfig> {
        let config: Config = parse_config(document)?;
        let policy = Policy::new(&config, &|name| std::env::var(name).ok())?;
        policy.warnings().iter().for_each(|warning| log::warn!("{warning}"));
        let meters = Meters::define(policy.plan(Direction::Unspecified));
        log::info!("configuration applied");
        Ok(Self { policy, meters })
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Box<dyn HttpContext> {
        Box::new(Stream::new(self))
    }
}

impl Telemetry {
    /// Records a stream that has ended.
    fn record(&self, record: &Record) {
        let is_error = self.policy.is_error(record);
        self.meters.record(self.policy.plan(Direction::Unspecified), record, is_error);
    }
}
