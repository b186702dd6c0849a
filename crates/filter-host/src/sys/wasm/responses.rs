//! Responses to HTTP calls, which the host delivers to plugins.

use std::{
    cell::RefCell,
    mem::ManuallyDrop,
    rc::{Rc, Weak},
};

use crate::{calls::CallId, plugin::Plugin, stream::ContextId};

/// The receiver of responses.
type Receiver = Rc<dyn Fn(CallId, usize)>;

thread_local! {
    /// The plugins of this virtual machine, by context.
    ///
    /// Never dropped: a thread-local value with a destructor is slower to read.
    static RECEIVERS: RefCell<ManuallyDrop<Vec<(ContextId, Receiver)>>> =
        const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// Delivers the responses for a context to a plugin, until it is dropped.
pub(super) fn register<P: Plugin>(context: ContextId, plugin: &Rc<P>) {
    let plugin: Weak<P> = Rc::downgrade(plugin);
    let receiver: Receiver = Rc::new(move |call, body_size| {
        if let Some(plugin) = plugin.upgrade() {
            plugin.on_http_call_response(call, body_size);
        }
    });
    unregister(context);
    RECEIVERS.with_borrow_mut(|receivers| receivers.push((context, receiver)));
}

/// Ends the delivery for a context.
pub(super) fn unregister(context: ContextId) {
    RECEIVERS.with_borrow_mut(|receivers| receivers.retain(|(found, _)| *found != context));
}

/// Delivers a response; one for an unknown context is ignored.
pub(super) fn deliver(context: ContextId, call: CallId, body_size: usize) {
    let receiver = RECEIVERS.with_borrow(|receivers| {
        let found = receivers.iter().find(|(found, _)| *found == context);
        found.map(|(_, receiver)| Rc::clone(receiver))
    });
    if let Some(receiver) = receiver {
        receiver(call, body_size);
    }
}
