//! Buckets of the sliding window and their encoding.

use super::{BUCKETS, Bucket, ErrorCounts, ErrorWindow};

/// Size of an encoded bucket: its number, responses and errors.
const SIZE: usize = 8 + 4 + 4;

impl ErrorWindow {
    /// Returns `true` if the guard has tripped.
    #[must_use]
    pub const fn is_tripped(&self) -> bool {
        self.tripped
    }

    /// Decodes the result of [`ErrorWindow::to_bytes`]; other bytes are an empty window.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let Some((tripped, rest)) = bytes.split_first() else { return Self::default() };
        let (chunks, rest) = rest.as_chunks::<SIZE>();
        if chunks.len() != BUCKETS || !rest.is_empty() {
            return Self::default();
        }
        let mut window = Self { tripped: *tripped == 1, ..Self::default() };
        for (bucket, chunk) in window.buckets.iter_mut().zip(chunks) {
            *bucket = Bucket::from_bytes(chunk);
        }
        window
    }

    /// Encodes the window as 161 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.tripped)];
        for bucket in &self.buckets {
            bytes.extend_from_slice(&bucket.number.to_le_bytes());
            bytes.extend_from_slice(&bucket.total.to_le_bytes());
            bytes.extend_from_slice(&bucket.errors.to_le_bytes());
        }
        bytes
    }

    pub(super) fn add(&mut self, number: u64, is_error: bool) {
        let index = number.checked_rem(BUCKETS as u64).unwrap_or_default();
        let index = usize::try_from(index).unwrap_or_default();
        let Some(bucket) = self.buckets.get_mut(index) else { return };
        if bucket.number != number {
            *bucket = Bucket { number, ..Bucket::default() };
        }
        bucket.total = bucket.total.saturating_add(1);
        bucket.errors = bucket.errors.saturating_add(u32::from(is_error));
    }

    /// Sums the buckets of the window that ends with bucket `number`.
    pub(super) fn counts(&self, number: u64) -> ErrorCounts {
        let oldest = number.saturating_sub(BUCKETS as u64).saturating_add(1);
        // The clock of another worker may already be in the next bucket.
        let newest = number.saturating_add(1);
        let is_within = |bucket: &&Bucket| (oldest..=newest).contains(&bucket.number);
        self.buckets.iter().filter(is_within).fold(ErrorCounts::default(), |sum, bucket| {
            ErrorCounts {
                total: sum.total.saturating_add(bucket.total.into()),
                errors: sum.errors.saturating_add(bucket.errors.into()),
            }
        })
    }
}

impl Bucket {
    fn from_bytes(bytes: &[u8; SIZE]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *bytes;
        Self {
            number: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            total: u32::from_le_bytes([i, j, k, l]),
            errors: u32::from_le_bytes([m, n, o, p]),
        }
    }
}
