//! A plugin without a policy.

use std::rc::Rc;

use filter_core::InvalidConfig;
use filter_host::{Plugin, Setup, Stream, stream::ContextId};

filter_host::entry!(Empty);

struct Empty;

impl Plugin for Empty {
    type Stream = Pass;

    fn configure(_document: &[u8], _setup: &Setup) -> Result<Self, InvalidConfig> {
        Ok(Self)
    }

    fn open(self: Rc<Self>, _context: ContextId) -> Pass {
        Pass
    }
}

struct Pass;

impl Stream for Pass {}
