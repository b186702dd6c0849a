//! The key of redaction hashes, shared by all workers of a proxy.

use filter_host::{random, shared_data};

use crate::signals::redactor::Redactor;

/// Length of a generated key, in bytes.
const KEY_LEN: usize = 32;

/// Creates a redactor with the configured key, or else the shared key of the proxy.
///
/// All workers are configured before the first stream, so the shared key is final when it is read.
pub(super) fn redactor(key: Option<&[u8]>) -> Option<Redactor> {
    if let Some(key) = key {
        return Redactor::new(key);
    }
    let shared = shared_data::read(&shared_key()).ok().flatten();
    // Without the shared key, hashes can only be compared within this worker.
    let key = shared.map_or_else(random_key, |shared| shared.value);
    Redactor::new(&key)
}

/// Shares a random key, unless there is one.
pub(super) fn seed() {
    if let Err(error) = shared_data::seed(&shared_key(), &random_key()) {
        log::error!("redaction key not shared: {error:?}");
    }
}

/// Returns the shared data key, which is independent of the configuration so that a reload does not
/// change hashes.
fn shared_key() -> String {
    format!("{}.redaction", shared_data::plugin_key("telemetry"))
}

fn random_key() -> Vec<u8> {
    let words = std::iter::repeat_with(|| random::bits().to_le_bytes());
    words.flatten().take(KEY_LEN).collect()
}
