//! A plugin without a policy.

use std::rc::Rc;

use filter_core::InvalidConfig;
use filter_host::{
    Plugin, Root,
    proxy_wasm::{
        self,
        traits::{Context, HttpContext},
    },
    stream::ContextId,
};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(Root::<Empty>::boxed);
}}

struct Empty;

impl Plugin for Empty {
    fn configure(_document: &[u8], _context: ContextId) -> Result<Self, InvalidConfig> {
        Ok(Self)
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Box<dyn HttpContext> {
        Box::new(Pass)
    }
}

struct Pass;

impl Context for Pass {}

impl HttpContext for Pass {}
