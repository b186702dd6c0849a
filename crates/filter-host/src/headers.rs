//! Header maps of the stream.

use std::{
    cell::{Cell, RefCell},
    mem::ManuallyDrop,
};

use filter_core::{HeaderEdits, Headers};

pub use crate::sys::Map;
use crate::{
    host_error::{HostError, Result},
    sys,
};

thread_local! {
    /// The map to keep, while a suite runs its filters.
    static KEPT_MAP: Cell<Option<Map>> = const { Cell::new(None) };
    /// The headers of the kept map, once they were read.
    ///
    /// Never dropped: a thread-local value with a destructor is slower to read.
    static KEPT: RefCell<ManuallyDrop<Option<Headers>>> =
        const { RefCell::new(ManuallyDrop::new(None)) };
}

/// Runs `callbacks` with one copy of a map: it is read once, and edits also change the copy.
///
/// Used by a suite, whose filters would otherwise each read the map from the proxy.
pub fn keep<T>(map: Map, callbacks: impl FnOnce() -> T) -> T {
    let before = KEPT_MAP.replace(Some(map));
    invalidate();
    let result = callbacks();
    invalidate();
    KEPT_MAP.set(before);
    result
}

/// Discards the copy of [`keep`], because the map changed or another context is current.
pub(crate) fn invalidate() {
    if KEPT_MAP.get().is_some() {
        KEPT.with_borrow_mut(|kept| kept.take());
    }
}

/// Reads a header; `None` if it is absent.
///
/// If the header occurs several times, the proxy joins the values of list headers (including
/// `authorization`), and otherwise returns the first one; [`named`] returns all values.
///
/// # Errors
///
/// Fails if the map is not available in this phase.
pub fn value(map: Map, name: &str) -> Result<Option<Vec<u8>>> {
    if KEPT_MAP.get() == Some(map) {
        return with_kept(map, |headers| headers.first(name).map(<[u8]>::to_vec));
    }
    match sys::header(map, name) {
        Ok(value) => Ok(Some(value)),
        Err(HostError::NotFound | HostError::Empty) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads all headers of a map, in the proxy's order.
///
/// # Errors
///
/// Fails if the map is not available in this phase, or its encoding is invalid.
pub fn all(map: Map) -> Result<Headers> {
    named(map, |_| true)
}

/// Reads all values of the headers whose names are `wanted`, in the proxy's order.
///
/// Copies the whole map in one host call, which is not more expensive than reading a single value.
///
/// # Errors
///
/// Fails like [`all`].
pub fn named(map: Map, wanted: impl Fn(&[u8]) -> bool) -> Result<Headers> {
    if KEPT_MAP.get() == Some(map) {
        return with_kept(map, |headers| headers.only(wanted));
    }
    sys::headers(map, wanted)
}

/// Sets a header and replaces all its values.
///
/// # Errors
///
/// Fails if the map is not available in this phase.
pub fn set(map: Map, name: &str, value: &[u8]) -> Result<()> {
    sys::set_header(map, name, value)?;
    edit(map, name, |headers| {
        headers.remove(name);
        headers.push(name, value);
    });
    Ok(())
}

/// Adds a value of a header.
///
/// # Errors
///
/// Fails like [`set`].
pub fn add(map: Map, name: &str, value: &[u8]) -> Result<()> {
    // The proxy joins the values of some headers.
    if KEPT_MAP.get() == Some(map) {
        invalidate();
    }
    sys::add_header(map, name, value)
}

/// Removes all values of a header, if there are any.
///
/// # Errors
///
/// Fails as [`set`] does.
pub fn remove(map: Map, name: &str) -> Result<()> {
    match sys::remove_header(map, name) {
        Ok(()) | Err(HostError::NotFound) => {}
        Err(error) => return Err(error),
    }
    edit(map, name, |headers| {
        headers.remove(name);
    });
    Ok(())
}

/// Applies edits in the order `remove`, `set`, `add`.
///
/// # Errors
///
/// Stops at the first edit that the proxy refuses.
pub fn apply(map: Map, edits: &HeaderEdits) -> Result<()> {
    for name in &edits.remove {
        remove(map, name.as_str())?;
    }
    for (name, value) in &edits.set {
        set(map, name.as_str(), value)?;
    }
    for (name, value) in &edits.add {
        add(map, name.as_str(), value)?;
    }
    Ok(())
}

/// Reads the copy of a map that [`keep`] made.
fn with_kept<T>(map: Map, read: impl FnOnce(&Headers) -> T) -> Result<T> {
    if KEPT.with_borrow(|kept| kept.is_none()) {
        let headers = sys::headers(map, |_| true)?;
        KEPT.with_borrow_mut(|kept| **kept = Some(headers));
    }
    KEPT.with_borrow(|kept| Ok(read(kept.as_ref().unwrap_or(&Headers::default()))))
}

/// Edits the copy of a map, if [`keep`] made one.
fn edit(map: Map, name: &str, change: impl FnOnce(&mut Headers)) {
    if KEPT_MAP.get() != Some(map) {
        return;
    }
    // The proxy treats these specially, so the copy is no longer exact.
    if name.starts_with(':') || name == "host" {
        invalidate();
    } else {
        KEPT.with_borrow_mut(|kept| kept.as_mut().map(change));
    }
}

/// Replaces the kept map and its copy, and returns the previous ones.
#[cfg(not(target_os = "wasi"))]
pub(crate) fn swap_kept(kept: (Option<Map>, Option<Headers>)) -> (Option<Map>, Option<Headers>) {
    let (map, headers) = kept;
    let before = KEPT.with_borrow_mut(|kept| std::mem::replace(&mut **kept, headers));
    (KEPT_MAP.replace(map), before)
}

#[cfg(test)]
mod tests;
