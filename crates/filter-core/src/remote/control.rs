//! The control record of a source, shared by all workers.

use std::time::Duration;

/// The control record in shared data: times, generation and lease.
///
/// It is replaced by compare-and-swap only, so that one worker gets the lease. Times count from
/// 1970.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Control {
    /// The number of documents fetched; 0 before the first one.
    pub generation: u64,
    /// The last time that the document was current.
    pub fetched: Duration,
    /// The end of its freshness.
    pub fresh_until: Duration,
    /// The time of the next regular fetch.
    pub next_fetch: Duration,
    /// The start of the last early fetch, requested by [`Source::request_refetch`](super::Source::request_refetch).
    pub last_refetch: Duration,
    /// The end of the last fetch.
    pub last_attempt: Duration,
    /// The number of failures since the last successful fetch.
    pub failures: u64,
    /// The [`FetchError::code`](super::FetchError::code) of the last failure; 0 after a success.
    pub last_error: u64,
    /// The random identifier of the worker that holds the lease; 0 if none does.
    pub holder: u128,
    /// The end of the lease.
    pub leased_until: Duration,
}

const FIELD_BYTES: usize = 8;
const FIELDS: usize = 11;

impl Control {
    /// Returns `true` if a worker holds the lease.
    #[must_use]
    pub const fn is_leased(&self, now: Duration) -> bool {
        self.holder != 0 && self.leased_until.as_nanos() > now.as_nanos()
    }

    /// Encodes the record.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (low, high) = halves(self.holder);
        let fields: [u64; FIELDS] = [
            self.generation,
            millis(self.fetched),
            millis(self.fresh_until),
            millis(self.next_fetch),
            millis(self.last_refetch),
            millis(self.last_attempt),
            self.failures,
            self.last_error,
            low,
            high,
            millis(self.leased_until),
        ];
        fields.iter().flat_map(|field| field.to_le_bytes()).collect()
    }

    /// Decodes a record; `None` if the bytes are not a record.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (fields, rest) = bytes.as_chunks::<FIELD_BYTES>();
        let fields: &[[u8; FIELD_BYTES]; FIELDS] = fields.try_into().ok()?;
        if !rest.is_empty() {
            return None;
        }
        let [
            generation,
            fetched,
            fresh,
            next_fetch,
            last_refetch,
            last_attempt,
            failures,
            last_error,
            low,
            high,
            leased,
        ] = fields.map(u64::from_le_bytes);
        Some(Self {
            generation,
            fetched: Duration::from_millis(fetched),
            fresh_until: Duration::from_millis(fresh),
            next_fetch: Duration::from_millis(next_fetch),
            last_refetch: Duration::from_millis(last_refetch),
            last_attempt: Duration::from_millis(last_attempt),
            failures,
            last_error,
            holder: (u128::from(high) << 64) | u128::from(low),
            leased_until: Duration::from_millis(leased),
        })
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "the truncation selects one half")]
const fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn decodes_an_encoded_record() {
        let control = Control {
            generation: 1,
            fetched: Duration::from_millis(2),
            fresh_until: Duration::from_millis(3),
            next_fetch: Duration::from_millis(4),
            last_refetch: Duration::from_millis(5),
            last_attempt: Duration::from_millis(6),
            failures: 7,
            last_error: 8,
            holder: u128::MAX - 9,
            leased_until: Duration::from_millis(10),
        };
        assert_eq!(Control::decode(&control.encode()), Some(control));
    }

    #[test]
    fn refuses_bytes_of_another_length() {
        for bytes in [0, 1, 87, 89, 96] {
            assert_eq!(Control::decode(&vec![0; bytes]), None, "{bytes}");
        }
    }

    #[test]
    fn a_lease_expires() {
        let second = Duration::from_secs(1);
        let control = Control { holder: 1, leased_until: second, ..Control::default() };
        assert!(control.is_leased(Duration::ZERO));
        assert!(!control.is_leased(second));
        assert!(!Control { holder: 0, ..control }.is_leased(Duration::ZERO));
    }
}
