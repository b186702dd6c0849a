//! Control records and documents in shared data.

use filter_core::remote::{Control, Document, DocumentSpec, Slot};

use super::Fetcher;
use crate::{
    host_error::Result,
    shared_data::{self, Versioned},
};

/// Writes a fetched document and the control record; returns `false` if they were not written.
pub(super) fn write(
    fetcher: &impl Fetcher,
    index: usize,
    holder: u128,
    document: Option<Document>,
    control: Control,
) -> bool {
    let written = try_write(fetcher, index, holder, document, control);
    match written {
        Ok(true) => {}
        Ok(false) => {
            let label = label(fetcher, index);
            log::warn!("{label}: the fetch was discarded, because another worker fetched as well");
        }
        Err(error) => {
            log::error!("{}: the fetch was not stored: {error:?}", label(fetcher, index));
        }
    }
    written == Ok(true)
}

/// Like [`write`]; returns `false` if the lease expired and another worker holds it.
fn try_write(
    fetcher: &impl Fetcher,
    index: usize,
    holder: u128,
    document: Option<Document>,
    control: Control,
) -> Result<bool> {
    let is_held = |record: &[u8]| Control::decode(record).is_some_and(|c| c.holder == holder);
    let key = slot(fetcher, index, Slot::Control);
    if let Some(document) = document {
        let record = shared_data::read(&key)?;
        if record.is_none_or(|record| !is_held(&record.value)) {
            return Ok(false);
        }
        shared_data::write(&slot(fetcher, index, Slot::Document), &document.encode())?;
    }
    shared_data::update(&key, |record| is_held(record).then(|| control.encode()))
}

/// Replaces a control record by one with a lease; `false` if another worker replaced it first.
pub(super) fn lease(
    fetcher: &impl Fetcher,
    index: usize,
    record: &Versioned,
    control: &Control,
) -> bool {
    let key = slot(fetcher, index, Slot::Control);
    shared_data::replace(&key, record, &control.encode()).is_ok()
}

/// Writes an empty control record if there is none; a lease needs an existing record.
fn seed(fetcher: &impl Fetcher, index: usize) {
    let key = slot(fetcher, index, Slot::Control);
    if let Err(error) = shared_data::seed(&key, &Control::default().encode()) {
        let label = label(fetcher, index);
        log::error!("{label}: the control record was not written, and is tried again: {error:?}");
    }
}

/// Reads the control record of a source, and writes an empty one if there is none.
pub(super) fn control(fetcher: &impl Fetcher, index: usize) -> Option<Versioned> {
    let record = shared_data::read(&slot(fetcher, index, Slot::Control)).ok()?;
    if record.is_none() {
        seed(fetcher, index);
    }
    record
}

pub(super) fn document(fetcher: &impl Fetcher, index: usize) -> Option<Document> {
    let found = shared_data::read(&slot(fetcher, index, Slot::Document)).ok().flatten()?;
    Document::decode(&found.value)
}

fn label(fetcher: &impl Fetcher, index: usize) -> String {
    fetcher.with_source(index, |source| source.spec().label()).unwrap_or_default()
}

fn slot(fetcher: &impl Fetcher, index: usize, slot: Slot) -> String {
    fetcher.with_source(index, |source| source.spec().slot(slot)).unwrap_or_default()
}
