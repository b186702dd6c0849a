//! Messages of gRPC in a body that comes in pieces.

/// Counts messages by their heads: a flag, and the length of what follows in four bytes.
///
/// The payload is never read. <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>
#[derive(Clone, Copy, Debug, Default)]
pub struct Messages {
    count: u64,
    head: [u8; HEAD],
    /// Bytes of the next head that were seen.
    known: usize,
    /// Bytes of a payload that are still to come.
    rest: u64,
}

const HEAD: usize = 5;

impl Messages {
    /// Returns how many messages began.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Takes a piece of `size` bytes; `read` gives as many of them as asked for from a place on.
    pub fn take(&mut self, size: usize, read: impl Fn(usize, usize) -> Vec<u8>) {
        let mut place = 0_usize;
        while place < size {
            let left = size.saturating_sub(place);
            if self.rest > 0 {
                let skipped = usize::try_from(self.rest).unwrap_or(usize::MAX).min(left);
                self.rest = self.rest.saturating_sub(u64::try_from(skipped).unwrap_or(u64::MAX));
                place = place.saturating_add(skipped);
                continue;
            }
            let wanted = HEAD.saturating_sub(self.known).min(left);
            let bytes = read(place, wanted);
            for (to, from) in self.head.iter_mut().skip(self.known).zip(&bytes) {
                *to = *from;
            }
            self.known = self.known.saturating_add(wanted);
            place = place.saturating_add(wanted);
            if self.known == HEAD {
                self.begin();
            }
        }
    }

    fn begin(&mut self) {
        let [_, length @ ..] = self.head;
        self.count = self.count.saturating_add(1);
        self.rest = u32::from_be_bytes(length).into();
        self.known = 0;
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn count(body: &[u8], piece: usize) -> u64 {
        let mut messages = Messages::default();
        for piece in body.chunks(piece) {
            messages.take(piece.len(), |from, size| {
                piece.iter().skip(from).take(size).copied().collect()
            });
        }
        messages.count()
    }

    #[test]
    fn messages_are_counted_however_the_body_is_cut() {
        let mut body = Vec::new();
        for length in [0_u32, 1, 300, 0, 7] {
            body.push(0);
            body.extend(length.to_be_bytes());
            body.extend(vec![0xff; usize::try_from(length).unwrap()]);
        }
        for piece in 1..=body.len() {
            assert_eq!(count(&body, piece), 5, "{piece}");
        }
    }

    #[test]
    fn a_length_that_lies_costs_nothing() {
        let body = [&[0, 0xff, 0xff, 0xff, 0xff][..], &[1; 100]].concat();
        assert_eq!(count(&body, 7), 1);
        assert_eq!(count(&[0, 0], 1), 0, "half a head is no message");
    }

    #[test]
    fn bytes_that_the_host_keeps_back_do_not_stop_the_count() {
        let mut messages = Messages::default();
        messages.take(12, |_, _| Vec::new());
        assert_eq!(messages.count(), 2);
    }
}
