//! The key of redaction hashes, shared by all workers of a proxy.

use std::cell::OnceCell;

use filter_host::{HostError, random, shared_data};

use super::Telemetry;
use crate::{Policy, signals::redactor::Redactor};

/// Length of a generated key, in bytes.
const KEY_LEN: usize = 32;

/// The redactor of log fields and span attributes.
pub(super) struct Redaction {
    /// Empty until the first use if the key is shared.
    redactor: OnceCell<Redactor>,
    masking: Redactor,
    /// The shared data key, which is independent of the configuration so that a reload does not
    /// change hashes.
    shared_key: String,
}

impl Redaction {
    /// Creates the redactor, except with a shared key.
    pub(super) fn new(policy: &Policy, plugin_key: &str) -> Self {
        let masking = Redactor::masking();
        let redactor = match policy.redaction_key() {
            Some(key) => new(key).into(),
            None if policy.hashes() => OnceCell::new(),
            None => masking.clone().into(),
        };
        Self { redactor, masking, shared_key: format!("{plugin_key}.redaction") }
    }

    /// Returns the redactor. If the shared key is not available, calls `failed` and masks instead
    /// of hashing this time.
    fn redactor(&self, failed: impl FnOnce()) -> &Redactor {
        if let Some(known) = self.redactor.get() {
            return known;
        }
        match self.shared_key() {
            Ok(key) => self.redactor.get_or_init(|| new(&key)),
            Err(error) => {
                log::debug!("redaction key not shared: {error:?}");
                failed();
                &self.masking
            }
        }
    }

    /// Reads the shared key; the first worker of the proxy creates it.
    fn shared_key(&self) -> filter_host::Result<Vec<u8>> {
        if let Some(shared) = shared_data::read(&self.shared_key)? {
            return Ok(shared.value);
        }
        shared_data::seed(&self.shared_key, &random_key())?;
        shared_data::read(&self.shared_key)?.map(|shared| shared.value).ok_or(HostError::NotFound)
    }
}

impl Telemetry {
    /// Returns the redactor of log fields and span attributes.
    pub(super) fn redactor(&self) -> &Redactor {
        self.redaction.redactor(|| self.metrics.expression_failed())
    }
}

/// Creates a redactor; HMAC accepts keys of any length.
fn new(key: &[u8]) -> Redactor {
    Redactor::new(key).unwrap_or_else(Redactor::masking)
}

fn random_key() -> Vec<u8> {
    let words = std::iter::repeat_with(|| random::bits().to_le_bytes());
    words.flatten().take(KEY_LEN).collect()
}
