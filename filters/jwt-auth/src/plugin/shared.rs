//! Control records and documents in shared data.

use filter_host::{
    Result,
    shared_data::{self, Versioned},
};

use super::JwtAuth;
use crate::key_source::{Control, Document, Slot};

impl JwtAuth {
    /// Writes a fetched document and the control record.
    pub(super) fn write(
        &self,
        index: usize,
        holder: u128,
        document: Option<Document>,
        control: Control,
    ) {
        match self.try_write(index, holder, document, control) {
            Ok(true) => {}
            Ok(false) => log::warn!("another worker fetched as well"),
            Err(error) => log::error!("a fetch was not recorded: {error:?}"),
        }
    }

    /// Like [`JwtAuth::write`]; returns `false` if the lease expired and another worker holds it.
    fn try_write(
        &self,
        index: usize,
        holder: u128,
        document: Option<Document>,
        control: Control,
    ) -> Result<bool> {
        let is_held = |record: &[u8]| Control::decode(record).is_some_and(|c| c.holder == holder);
        let key = self.slot(index, Slot::Control);
        if let Some(document) = document {
            let record = shared_data::read(&key)?;
            if record.is_none_or(|record| !is_held(&record.value)) {
                return Ok(false);
            }
            shared_data::write(&self.slot(index, Slot::Document), &document.encode())?;
        }
        shared_data::update(&key, |record| is_held(record).then(|| control.encode()))
    }

    /// Replaces a control record by one with a lease; `false` if another worker replaced it first.
    pub(super) fn lease(&self, index: usize, record: &Versioned, control: &Control) -> bool {
        let key = self.slot(index, Slot::Control);
        shared_data::replace(&key, record, &control.encode()).is_ok()
    }

    /// Writes an empty control record if there is none; a lease needs an existing record.
    fn seed(&self, index: usize) {
        let key = self.slot(index, Slot::Control);
        if let Err(error) = shared_data::seed(&key, &Control::default().encode()) {
            log::error!("a control record was not written, which is tried again: {error:?}");
        }
    }

    /// Reads the control record of a source, and writes an empty one if there is none.
    pub(super) fn control(&self, index: usize) -> Option<Versioned> {
        let record = shared_data::read(&self.slot(index, Slot::Control)).ok()?;
        if record.is_none() {
            self.seed(index);
        }
        record
    }

    pub(super) fn document(&self, index: usize) -> Option<Document> {
        let found = shared_data::read(&self.slot(index, Slot::Document)).ok().flatten()?;
        Document::decode(&found.value)
    }

    fn slot(&self, index: usize, slot: Slot) -> String {
        let worker = self.worker.borrow();
        worker.sources.get(index).map(|source| source.spec().slot(slot)).unwrap_or_default()
    }
}
