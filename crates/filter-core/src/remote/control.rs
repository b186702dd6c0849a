//! The control record of a source, shared by all workers.

use std::time::Duration;

use super::schedule::MAX_BACKOFF;

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

/// The maximum difference of a time of the record from the clock that counts as accuracy.
const MAX_SKEW: Duration = Duration::from_secs(60);
/// The maximum number of a document.
const MAX_GENERATION: u64 = u64::MAX >> 1;
const FIELD_BYTES: usize = 8;
const FIELDS: usize = 11;

impl Control {
    /// Returns `true` if a worker holds the lease.
    #[must_use]
    pub const fn is_leased(&self, now: Duration) -> bool {
        self.holder != 0 && self.leased_until.as_nanos() > now.as_nanos()
    }

    /// Returns the record without times that the current configuration would not have written: the
    /// earlier one may have had another freshness, which is at most `max_freshness` now, and another
    /// length of a lease.
    ///
    /// `None` for a record from the future: the clock was wrong, or the record was overwritten.
    pub(super) fn plausible(
        self,
        now: Duration,
        max_freshness: Duration,
        lease: Duration,
    ) -> Option<Self> {
        if is_future(self.fetched, now) || is_future(self.last_attempt, now) {
            return None;
        }
        let pause = if self.failures == 0 { max_freshness } else { MAX_BACKOFF };
        let is_lease = !is_future(self.leased_until, now.saturating_add(lease));
        Some(Self {
            fresh_until: self.fresh_until.min(self.fetched.saturating_add(max_freshness)),
            next_fetch: self.next_fetch.min(self.last_attempt.saturating_add(pause)),
            last_refetch: self.last_refetch.min(now),
            holder: if is_lease { self.holder } else { 0 },
            ..self
        })
    }

    /// Returns the record without its times: its document is expired, and a fetch is due.
    pub(super) fn undated(self) -> Self {
        Self { generation: self.generation & MAX_GENERATION, ..Self::default() }
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

/// Returns `true` if a time is further ahead than the accuracy of a clock explains.
pub(super) fn is_future(time: Duration, now: Duration) -> bool {
    time > now.saturating_add(MAX_SKEW)
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
    fn times_that_cannot_be_right_are_replaced() {
        let at = Duration::from_secs;
        let (now, hour, lease) = (at(1_000_000), at(3_600), at(6));
        let control = Control {
            generation: 3,
            fetched: at(999_990),
            fresh_until: at(999_990) + hour * 24,
            next_fetch: at(999_990) + hour * 20,
            last_refetch: at(999_000),
            last_attempt: at(999_990),
            holder: 1,
            leased_until: now + lease,
            ..Control::default()
        };
        // Another freshness was configured before.
        let shorter = control.plausible(now, at(60), lease).unwrap();
        assert_eq!((shorter.fresh_until, shorter.next_fetch), (now + at(50), now + at(50)));
        assert_eq!(control.plausible(now, hour * 24, lease), Some(control));
        let failed = Control { failures: 1, ..control }.plausible(now, hour * 24, lease);
        assert_eq!(failed.unwrap().next_fetch, now + at(50));
        // A clock that is a little late is not another clock.
        assert_eq!(control.plausible(at(999_980), hour * 24, lease), Some(control));
        for changed in [
            Control { fetched: now + hour, ..control },
            Control { last_attempt: now + hour, ..control },
        ] {
            assert_eq!(changed.plausible(now, hour * 24, lease), None);
        }
        let changed = Control { leased_until: now + at(120), last_refetch: now + hour, ..control };
        let changed = changed.plausible(now, hour * 24, lease).unwrap();
        assert!(!changed.is_leased(now));
        assert_eq!(changed.last_refetch, now);
        let damaged = Control::decode(&[0xff; 88]).unwrap();
        assert_eq!(damaged.plausible(now, hour, lease), None);
        let undated = Control { generation: MAX_GENERATION, ..Control::default() };
        assert_eq!(damaged.undated(), undated);
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
