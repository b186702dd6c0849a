//! Redaction with a key that all workers of a proxy share.

use std::cell::OnceCell;

use filter_core::Redactor;

use crate::{
    host_error::{HostError, Result},
    random, shared_data,
};

/// Length of a generated key, in bytes.
const KEY_LEN: usize = 32;

/// The redactor of a plugin.
pub struct SharedRedactor {
    /// Empty until the first use if the key is shared.
    redactor: OnceCell<Redactor>,
    masking: Redactor,
    /// The shared data key, which is independent of the configuration so that a reload does not
    /// change hashes.
    shared_key: String,
}

impl SharedRedactor {
    /// Creates a redactor with the configured key. Without one, the workers share a random key if
    /// `hashes` is `true`.
    #[must_use]
    pub fn new(key: Option<&[u8]>, hashes: bool, plugin_key: &str) -> Self {
        let masking = Redactor::masking();
        let redactor = match key {
            Some(key) => with(key).into(),
            None if hashes => OnceCell::new(),
            None => masking.clone().into(),
        };
        Self { redactor, masking, shared_key: format!("{plugin_key}.redaction") }
    }

    /// Returns the redactor. If the shared key is not available, calls `failed` and returns one
    /// that masks instead of hashing.
    pub fn get(&self, failed: impl FnOnce()) -> &Redactor {
        if let Some(known) = self.redactor.get() {
            return known;
        }
        match self.shared_key() {
            Ok(key) => self.redactor.get_or_init(|| with(&key)),
            Err(error) => {
                log::debug!("redaction key not shared: {error:?}");
                failed();
                &self.masking
            }
        }
    }

    /// Reads the shared key; the first worker of the proxy creates it.
    fn shared_key(&self) -> Result<Vec<u8>> {
        if let Some(shared) = shared_data::read(&self.shared_key)? {
            return Ok(shared.value);
        }
        shared_data::seed(&self.shared_key, &random_key())?;
        shared_data::read(&self.shared_key)?.map(|shared| shared.value).ok_or(HostError::NotFound)
    }
}

/// Creates a redactor; HMAC accepts keys of any length.
fn with(key: &[u8]) -> Redactor {
    Redactor::new(key).unwrap_or_else(Redactor::masking)
}

fn random_key() -> Vec<u8> {
    let words = std::iter::repeat_with(|| random::bits().to_le_bytes());
    words.flatten().take(KEY_LEN).collect()
}
