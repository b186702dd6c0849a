//! The encoding of header maps: the number of pairs, the sizes of each pair, then each text with a
//! zero byte.

use filter_core::Headers;

/// Decodes the pairs of a map whose names are `wanted`; `None` if the encoding is invalid.
pub(crate) fn decode(bytes: Vec<u8>, wanted: impl Fn(&[u8]) -> bool) -> Option<Headers> {
    if bytes.is_empty() {
        return Some(Headers::default());
    }
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    let (sizes, _) = rest.split_at_checked(size(count)?.checked_mul(8)?)?;
    let sizes = sizes.as_chunks::<8>().0;
    let mut start = sizes.len().checked_mul(8)?.checked_add(4)?;
    let mut fields = Vec::with_capacity(sizes.len());
    for [a, b, c, d, e, f, g, h] in sizes {
        let name = start..start.checked_add(size(&[*a, *b, *c, *d])?)?;
        let value_start = name.end.checked_add(1)?;
        let value = value_start..value_start.checked_add(size(&[*e, *f, *g, *h])?)?;
        start = value.end.checked_add(1)?;
        // The zero byte after the value is the last one of the pair.
        let pair = bytes.get(name.start..start)?;
        if wanted(pair.get(..name.len())?) {
            fields.push((name, value));
        }
    }
    Some(Headers::from_parts(bytes, fields))
}

fn size(bytes: &[u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

/// Encodes header pairs as [`decode`] reads them.
pub(crate) fn encode(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut encoded = Vec::with_capacity(256);
    let count = u32::try_from(pairs.len()).unwrap_or(u32::MAX);
    encoded.extend_from_slice(&count.to_le_bytes());
    for (name, value) in pairs {
        encoded.extend_from_slice(&size(name));
        encoded.extend_from_slice(&size(value));
    }
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        encoded.extend_from_slice(text);
        encoded.push(0);
    }
    encoded
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn decodes_what_it_encodes() {
        let pairs: [(&[u8], &[u8]); 4] =
            [(b"a", b"1"), (b"b", b""), (b"a", b"\xff\0,"), (b":path", b"/")];
        let bytes = encode(&pairs);
        assert_eq!(decode(bytes.clone(), |_| true), Some(Headers::from_iter(pairs)));
        let of_a = Headers::from_iter([pairs[0], pairs[2]]);
        assert_eq!(decode(bytes, |name| name == b"a"), Some(of_a));
        assert_eq!(decode(encode(&[]), |_| true), Some(Headers::default()));
        assert_eq!(decode(Vec::new(), |_| true), Some(Headers::default()));
    }

    #[test]
    fn refuses_a_truncated_map_at_every_byte() {
        let bytes = encode(&[(b"name", b"value"), (b"x", b"")]);
        for len in 1..bytes.len() {
            assert_eq!(decode(bytes[..len].to_vec(), |_| true), None, "{len}");
        }
    }

    #[test]
    fn refuses_sizes_beyond_the_map() {
        for (at, size) in [(0, u32::MAX), (4, u32::MAX), (8, u32::MAX), (4, 6), (8, 7)] {
            let mut bytes = encode(&[(b"name", b"value")]);
            bytes[at..at + 4].copy_from_slice(&size.to_le_bytes());
            assert_eq!(decode(bytes, |_| true), None, "{at} {size}");
        }
    }
}
