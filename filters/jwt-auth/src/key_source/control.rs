//! What all workers of the proxy share about one source, besides its document.

use std::time::Duration;

/// The small record in shared data: times, generation, and the lease of whoever fetches.
///
/// It is replaced by compare-and-swap only, so of several workers one takes the lease.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Control {
    /// Counts the documents; 0 before the first one.
    pub generation: u64,
    /// When the document was last known to be current.
    pub fetched: Duration,
    /// Until when it is fresh.
    pub fresh_until: Duration,
    /// When to fetch next.
    pub next: Duration,
    /// When the last fetch began that a request asked for.
    pub extra: Duration,
    /// When the last fetch ended.
    pub attempted: Duration,
    /// How many fetches failed since the last good one.
    pub failures: u64,
    /// Which failure was last logged, 0 if none.
    pub trouble: u64,
    /// The random name of whoever fetches, 0 if nobody does.
    pub holder: u128,
    /// When the lease runs out.
    pub leased_until: Duration,
}

const FIELD_BYTES: usize = 8;
const FIELDS: usize = 11;

impl Control {
    /// Says whether somebody fetches at the moment.
    pub const fn is_leased(&self, now: Duration) -> bool {
        self.holder != 0 && self.leased_until.as_nanos() > now.as_nanos()
    }

    /// Writes the record.
    pub fn encode(&self) -> Vec<u8> {
        let (low, high) = halves(self.holder);
        let fields: [u64; FIELDS] = [
            self.generation,
            millis(self.fetched),
            millis(self.fresh_until),
            millis(self.next),
            millis(self.extra),
            millis(self.attempted),
            self.failures,
            self.trouble,
            low,
            high,
            millis(self.leased_until),
        ];
        fields.iter().flat_map(|field| field.to_le_bytes()).collect()
    }

    /// Reads a record; `None` if these bytes are none.
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
            next,
            extra,
            attempted,
            failures,
            trouble,
            low,
            high,
            leased,
        ] = fields.map(u64::from_le_bytes);
        Some(Self {
            generation,
            fetched: Duration::from_millis(fetched),
            fresh_until: Duration::from_millis(fresh),
            next: Duration::from_millis(next),
            extra: Duration::from_millis(extra),
            attempted: Duration::from_millis(attempted),
            failures,
            trouble,
            holder: (u128::from(high) << 64) | u128::from(low),
            leased_until: Duration::from_millis(leased),
        })
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "each half is cut out on purpose")]
const fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_record_survives_the_shared_data() {
        let control = Control {
            generation: 1,
            fetched: Duration::from_millis(2),
            fresh_until: Duration::from_millis(3),
            next: Duration::from_millis(4),
            extra: Duration::from_millis(5),
            attempted: Duration::from_millis(6),
            failures: 7,
            trouble: 8,
            holder: u128::MAX - 9,
            leased_until: Duration::from_millis(10),
        };
        assert_eq!(Control::decode(&control.encode()), Some(control));
    }

    #[test]
    fn other_bytes_are_no_record() {
        for bytes in [0, 1, 87, 89, 96] {
            assert_eq!(Control::decode(&vec![0; bytes]), None, "{bytes}");
        }
    }

    #[test]
    fn a_lease_runs_out() {
        let second = Duration::from_secs(1);
        let control = Control { holder: 1, leased_until: second, ..Control::default() };
        assert!(control.is_leased(Duration::ZERO));
        assert!(!control.is_leased(second));
        assert!(!Control { holder: 0, ..control }.is_leased(Duration::ZERO));
    }
}
