//! Items on their way, and how they pass from one configuration to the next.

use std::time::Duration;

use crate::export::otlp::Signal;

/// The first byte of a message in the shared queue.
const VERSION: u8 = 1;

/// A request that was made.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// How many items are in it.
    pub(super) items: u64,
    pub(super) body: Vec<u8>,
    /// When it is given up; `None` until it was sent once.
    pub(super) deadline: Option<Duration>,
}

/// A batch that one configuration leaves to the next, through a queue that others could write to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HandedOver {
    /// The provider's name.
    pub provider: String,
    /// What the items are.
    pub signal: Signal,
    /// How many items there are.
    pub items: u32,
    /// The request as OTLP has it, without gRPC's frame.
    pub body: Vec<u8>,
}

impl HandedOver {
    /// Writes the message: version, signal, count, the name's length, the name, the body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let name = self.provider.as_bytes();
        let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        let signal = u8::from(self.signal == Signal::Logs);
        let mut message = vec![VERSION, signal];
        message.extend_from_slice(&self.items.to_le_bytes());
        message.push(length);
        message.extend(name.iter().take(length.into()));
        message.extend_from_slice(&self.body);
        message
    }

    /// Reads a message; `None` for what no plugin of ours wrote.
    #[must_use]
    pub fn decode(message: &[u8]) -> Option<Self> {
        let ([VERSION, signal], rest) = message.split_first_chunk::<2>()? else { return None };
        let signal = match signal {
            0 => Signal::Traces,
            1 => Signal::Logs,
            _ => return None,
        };
        let (items, rest) = rest.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first()?;
        let (name, body) = rest.split_at_checked(usize::from(*length))?;
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
    fn a_message_reads_as_it_was_written() {
        for signal in [Signal::Traces, Signal::Logs] {
            let batch =
                HandedOver { provider: "otel".to_owned(), signal, items: 7, body: vec![1, 2, 3] };
            assert_eq!(HandedOver::decode(&batch.encode()), Some(batch));
        }
    }

    #[test]
    fn what_others_wrote_is_nothing() {
        let good = HandedOver {
            provider: "otel".to_owned(),
            signal: Signal::Traces,
            items: 7,
            body: Vec::new(),
        };
        let good = good.encode();
        for length in 0..good.len() {
            assert_eq!(HandedOver::decode(&good[..length]), None, "{length}");
        }
        for (place, byte) in [(0, 2), (1, 9), (6, 200), (7, 0xff)] {
            let mut bad = good.clone();
            bad[place] = byte;
            assert_eq!(HandedOver::decode(&bad), None, "{place}");
        }
    }
}
