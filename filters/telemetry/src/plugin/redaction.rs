//! The key of hashes, which all workers of a proxy share.

use filter_host::{random, shared_data};

use crate::signals::redactor::Redactor;

/// The bytes of a key that nobody wrote down.
const LENGTH: usize = 32;

/// Makes a redactor with the document's key, or with that of the proxy.
///
/// Workers are configured before there are streams, so the last of them to write a key has written
/// it before the first stream asks.
pub(super) fn redactor(key: Option<&[u8]>) -> Option<Redactor> {
    if let Some(key) = key {
        return Redactor::new(key);
    }
    let shared = shared_data::read(&name()).ok().flatten();
    // Without the shared key, hashes of this worker compare among themselves.
    let key = shared.map_or_else(random_key, |shared| shared.value);
    Redactor::new(&key)
}

/// Puts a key where the workers look for one, unless there is one already.
pub(super) fn seed() {
    if let Err(error) = shared_data::seed(&name(), &random_key()) {
        log::error!("the key of hashes is not shared: {error:?}");
    }
}

/// The name holds nothing of the configuration: a reload must not change hashes.
fn name() -> String {
    format!("{}.redaction", shared_data::plugin_key("telemetry"))
}

fn random_key() -> Vec<u8> {
    let words = std::iter::repeat_with(|| random::bits().to_le_bytes());
    words.flatten().take(LENGTH).collect()
}
