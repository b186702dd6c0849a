//! Responses to HTTP calls, which the host delivers to plugins.

use std::{
    cell::RefCell,
    collections::BTreeMap,
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
    static RECEIVERS: RefCell<ManuallyDrop<BTreeMap<ContextId, Receiver>>> =
        const { RefCell::new(ManuallyDrop::new(BTreeMap::new())) };
}

/// Delivers the responses for a context to a plugin, until it is dropped.
pub(super) fn register<P: Plugin>(context: ContextId, plugin: &Rc<P>) {
    let plugin: Weak<P> = Rc::downgrade(plugin);
    let receiver: Receiver = Rc::new(move |call, body_size| {
        if let Some(plugin) = plugin.upgrade() {
            plugin.on_http_call_response(call, body_size);
        }
    });
    RECEIVERS.with_borrow_mut(|receivers| receivers.insert(context, receiver));
}

/// Ends the delivery for a context.
pub(super) fn unregister(context: ContextId) {
    let removed = RECEIVERS.with_borrow_mut(|receivers| receivers.remove(&context));
    drop(removed);
}

/// Delivers a response; one for an unknown context is ignored.
pub(super) fn deliver(context: ContextId, call: CallId, body_size: usize) {
    let receiver = RECEIVERS.with_borrow(|receivers| receivers.get(&context).cloned());
    if let Some(receiver) = receiver {
        receiver(call, body_size);
    }
}
