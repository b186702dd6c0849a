//! Batches that pass from one configuration to the next through a shared queue.

use crate::export::otlp::Signal;

/// The message version, its first byte.
const VERSION: u8 = 1;

/// A batch for the next configuration. Decoding treats messages as untrusted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HandoffBatch {
    /// The provider's name.
    pub provider: String,
    /// The signal of the items.
    pub signal: Signal,
    /// Number of items.
    pub items: u32,
    /// The OTLP request, without gRPC framing.
    pub body: Vec<u8>,
}

impl HandoffBatch {
    /// Encodes the batch: version, signal, item count, length of the name, name, body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let name = self.provider.as_bytes();
        let name_len = u8::try_from(name.len()).unwrap_or(u8::MAX);
        let signal = match self.signal {
            Signal::Traces => 0,
            Signal::Logs => 1,
        };
        let mut message = vec![VERSION, signal];
        message.extend_from_slice(&self.items.to_le_bytes());
        message.push(name_len);
        message.extend(name.iter().take(name_len.into()));
        message.extend_from_slice(&self.body);
        message
    }

    /// Decodes a message; `None` if it is malformed or of another version.
    #[must_use]
    pub fn decode(message: &[u8]) -> Option<Self> {
        let ([VERSION, signal], rest) = message.split_first_chunk::<2>()? else { return None };
        let signal = match signal {
            0 => Signal::Traces,
            1 => Signal::Logs,
            _ => return None,
        };
        let (items, rest) = rest.split_first_chunk::<4>()?;
        let (name_len, rest) = rest.split_first()?;
        let (name, body) = rest.split_at_checked(usize::from(*name_len))?;
        Some(Self {
            provider: std::str::from_utf8(name).ok()?.to_owned(),
            signal,
            items: u32::from_le_bytes(*items),
            body: body.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn decodes_its_own_messages() {
        for signal in [Signal::Traces, Signal::Logs] {
            let batch =
                HandoffBatch { provider: "otel".to_owned(), signal, items: 7, body: vec![1, 2, 3] };
            assert_eq!(HandoffBatch::decode(&batch.encode()), Some(batch));
        }
    }

    #[test]
    fn ignores_malformed_messages() {
        let batch = HandoffBatch {
            provider: "otel".to_owned(),
            signal: Signal::Traces,
            items: 7,
            body: Vec::new(),
        };
        let good = batch.encode();
        for length in 0..good.len() {
            assert_eq!(HandoffBatch::decode(&good[..length]), None, "{length}");
        }
        for (index, byte) in [(0, 2), (1, 9), (6, 200), (7, 0xff)] {
            let mut bad = good.clone();
            bad[index] = byte;
            assert_eq!(HandoffBatch::decode(&bad), None, "{index}");
        }
    }
}
