//! Counts the messages of a gRPC body.

/// A counter of gRPC messages, which reads only their prefix: a flag and a four-byte length.
///
/// See <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageCounter {
    count: u64,
    prefix: [u8; PREFIX_LEN],
    /// Bytes of the current prefix that were read.
    prefix_read: usize,
    /// Remaining bytes of the current message.
    remaining: u64,
}

const PREFIX_LEN: usize = 5;

impl MessageCounter {
    /// Returns the number of messages, including an incomplete last one.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Processes the next `size` bytes of the body.
    ///
    /// `part(start, max)` returns up to `max` of these bytes from `start` on.
    pub fn read(&mut self, size: usize, part: impl Fn(usize, usize) -> Vec<u8>) {
        let mut position = 0_usize;
        while position < size {
            let left = size.saturating_sub(position);
            if self.remaining > 0 {
                let skipped = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(left);
                let skipped_bytes = u64::try_from(skipped).unwrap_or(u64::MAX);
                self.remaining = self.remaining.saturating_sub(skipped_bytes);
                position = position.saturating_add(skipped);
                continue;
            }
            let wanted = PREFIX_LEN.saturating_sub(self.prefix_read).min(left);
            let bytes = part(position, wanted);
            for (to, from) in self.prefix.iter_mut().skip(self.prefix_read).zip(&bytes) {
                *to = *from;
            }
            self.prefix_read = self.prefix_read.saturating_add(wanted);
            position = position.saturating_add(wanted);
            if self.prefix_read == PREFIX_LEN {
                self.start_message();
            }
        }
    }

    fn start_message(&mut self) {
        let [_, length @ ..] = self.prefix;
        self.count = self.count.saturating_add(1);
        self.remaining = u32::from_be_bytes(length).into();
        self.prefix_read = 0;
    }
}

/// Returns `true` if a body with this content type consists of gRPC messages.
///
/// Bodies of gRPC-Web can be encoded as text, and contain the trailers.
pub(crate) fn is_framed(content_type: &[u8]) -> bool {
    matches!(content_type.strip_prefix(b"application/grpc"), Some([] | [b'+' | b';', ..]))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn count(body: &[u8], piece: usize) -> u64 {
        let mut messages = MessageCounter::default();
        for piece in body.chunks(piece) {
            messages.read(piece.len(), |start, max| {
                piece.iter().skip(start).take(max).copied().collect()
            });
        }
        messages.count()
    }

    #[test]
    fn counts_messages_in_pieces_of_any_size() {
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
    fn only_grpc_bodies_consist_of_messages() {
        for (content_type, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;charset=x", true),
            ("application/grpc-web+proto", false),
            ("application/grpc-web-text", false),
            ("application/json", false),
        ] {
            assert_eq!(is_framed(content_type.as_bytes()), expected, "{content_type}");
        }
    }

    #[test]
    fn a_length_beyond_the_body_is_harmless() {
        let body = [&[0, 0xff, 0xff, 0xff, 0xff][..], &[1; 100]].concat();
        assert_eq!(count(&body, 7), 1);
        assert_eq!(count(&[0, 0], 1), 0, "incomplete prefix");
    }

    #[test]
    fn continues_if_the_host_returns_no_bytes() {
        let mut messages = MessageCounter::default();
        messages.read(12, |_, _| Vec::new());
        assert_eq!(messages.count(), 2);
    }
}
