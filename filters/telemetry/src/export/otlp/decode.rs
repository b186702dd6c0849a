//! A lenient Protobuf decoder: it reads fields up to the first malformed byte.

/// The value of a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Field<'a> {
    /// A varint.
    Varint(u64),
    /// A string, bytes or a message; truncated if the input is.
    Bytes(&'a [u8]),
}

/// Decodes the fields of a message, with their numbers.
///
/// Stops at the first malformed field. Skips fixed-size fields, which no response uses.
pub(super) fn fields(bytes: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            let key = varint(&mut rest)?;
            let field = match key & 0b111 {
                0 => Field::Varint(varint(&mut rest)?),
                1 => {
                    rest = rest.get(8..)?;
                    continue;
                }
                2 => {
                    let size = usize::try_from(varint(&mut rest)?).unwrap_or(usize::MAX);
                    let (field, after) = rest.split_at(size.min(rest.len()));
                    rest = after;
                    Field::Bytes(field)
                }
                5 => {
                    rest = rest.get(4..)?;
                    continue;
                }
                _ => return None,
            };
            return Some((key >> 3, field));
        }
    })
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn reads_varints_and_bytes_and_skips_other_fields() {
        let bytes = [8, 0x96, 1, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1d, 1, 2, 3, 4, 0x22, 2, 9, 9];
        let found: Vec<_> = fields(&bytes).collect();
        assert_eq!(found, [(1, Field::Varint(150)), (4, Field::Bytes(&[9, 9]))]);
    }

    #[test]
    fn reads_the_available_part_of_a_truncated_field() {
        assert_eq!(fields(&[0x0a, 100, 1, 2]).next(), Some((1, Field::Bytes(&[1, 2]))));
    }

    #[test]
    fn stops_at_malformed_bytes() {
        for bytes in [&[0xff; 20][..], &[0x0b], &[0x08], &[0x11, 1], &[0x1d], &[0x80]] {
            assert_eq!(fields(bytes).next(), None, "{bytes:?}");
        }
        let endless = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(fields(&endless).next(), Some((1, Field::Bytes(&[]))));
    }
}
