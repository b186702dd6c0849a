//! The decoder.

use std::time::Duration;

/// The value of a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Field<'a> {
    /// A varint.
    Varint(u64),
    /// Eight bytes of a fixed size, such as a double.
    Fixed64(u64),
    /// A string, bytes or a message.
    Bytes(&'a [u8]),
}

/// Error for a message that is truncated or malformed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("malformed Protobuf message")]
pub struct MalformedMessage;

/// A field and whether the input contains all of it.
struct ReadField<'a> {
    number: u64,
    field: Field<'a>,
    is_whole: bool,
}

/// Decodes the fields of a message that can be truncated, with their numbers.
///
/// Stops at the first malformed field; the last field has the available part of its bytes. Skips
/// fixed-size fields.
pub fn fields(bytes: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let read = next(&mut rest).ok().flatten()?;
        Some((read.number, read.field))
    })
    .filter(|(_, field)| !matches!(field, Field::Fixed64(_)))
}

/// Decodes the fields of a complete message, with their numbers.
///
/// Ends with an error if the message is truncated or malformed. Skips fixed-size fields.
pub fn whole_fields(
    bytes: &[u8],
) -> impl Iterator<Item = Result<(u64, Field<'_>), MalformedMessage>> {
    all_fields(bytes).filter(|read| !matches!(read, Ok((_, Field::Fixed64(_)))))
}

/// Like [`whole_fields`], with fields of eight bytes.
pub(super) fn all_fields(
    bytes: &[u8],
) -> impl Iterator<Item = Result<(u64, Field<'_>), MalformedMessage>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let read = next(&mut rest).transpose()?;
        let whole = read.and_then(|read| {
            let is_valid = read.is_whole && read.number != 0;
            is_valid.then_some((read.number, read.field)).ok_or(MalformedMessage)
        });
        if whole.is_err() {
            rest = &[];
        }
        Some(whole)
    })
}

/// Decodes a `google.protobuf.Duration`; negative parts count as zero.
#[must_use]
pub fn duration(message: &[u8]) -> Duration {
    let part = |wanted| {
        fields(message).find_map(|(number, field)| match field {
            Field::Varint(part) if number == wanted && part >> 63 == 0 => Some(part),
            _ => None,
        })
    };
    let nanos = Duration::from_nanos(part(2).unwrap_or_default().min(999_999_999));
    Duration::from_secs(part(1).unwrap_or_default()).saturating_add(nanos)
}

/// Reads the next field, except those of four bytes; `None` at the end.
fn next<'a>(rest: &mut &'a [u8]) -> Result<Option<ReadField<'a>>, MalformedMessage> {
    while !rest.is_empty() {
        let key = varint(rest)?;
        let (field, is_whole) = match key & 0b111 {
            0 => (Field::Varint(varint(rest)?), true),
            1 => {
                let (number, after) = rest.split_first_chunk().ok_or(MalformedMessage)?;
                *rest = after;
                (Field::Fixed64(u64::from_le_bytes(*number)), true)
            }
            2 => {
                let size = usize::try_from(varint(rest)?).unwrap_or(usize::MAX);
                let (field, after) = rest.split_at(size.min(rest.len()));
                *rest = after;
                (Field::Bytes(field), field.len() == size)
            }
            5 => {
                *rest = rest.get(4..).ok_or(MalformedMessage)?;
                continue;
            }
            _ => return Err(MalformedMessage),
        };
        return Ok(Some(ReadField { number: key >> 3, field, is_whole }));
    }
    Ok(None)
}

fn varint(rest: &mut &[u8]) -> Result<u64, MalformedMessage> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(MalformedMessage)?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(MalformedMessage)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn whole(bytes: &[u8]) -> Result<Vec<(u64, Field<'_>)>, MalformedMessage> {
        whole_fields(bytes).collect()
    }

    #[test]
    fn reads_varints_and_bytes_and_skips_other_fields() {
        let bytes = [8, 0x96, 1, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1d, 1, 2, 3, 4, 0x22, 2, 9, 9];
        let expected = [(1, Field::Varint(150)), (4, Field::Bytes(&[9, 9]))];
        assert_eq!(fields(&bytes).collect::<Vec<_>>(), expected);
        assert_eq!(whole(&bytes).unwrap(), expected);
        assert_eq!(whole(&[]), Ok(Vec::new()));
    }

    #[test]
    fn reads_the_available_part_of_a_truncated_field() {
        assert_eq!(fields(&[0x0a, 100, 1, 2]).next(), Some((1, Field::Bytes(&[1, 2]))));
        assert_eq!(whole(&[0x0a, 100, 1, 2]), Err(MalformedMessage));
    }

    #[test]
    fn stops_at_malformed_bytes() {
        for bytes in [&[0xff; 20][..], &[0x0b], &[0x08], &[0x11, 1], &[0x1d], &[0x80]] {
            assert_eq!(fields(bytes).next(), None, "{bytes:?}");
            assert_eq!(whole(bytes), Err(MalformedMessage), "{bytes:?}");
            let after_a_field = [&[8, 1][..], bytes].concat();
            assert_eq!(fields(&after_a_field).count(), 1, "{bytes:?}");
            assert_eq!(whole_fields(&after_a_field).count(), 2, "{bytes:?}");
        }
        let endless = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(fields(&endless).next(), Some((1, Field::Bytes(&[]))));
        assert_eq!(whole(&endless), Err(MalformedMessage));
        assert_eq!(whole(&[0; 8]), Err(MalformedMessage), "field number 0");
    }

    #[test]
    fn a_negative_or_excessive_part_of_a_duration_is_bounded() {
        let minus_one = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        let half = [8, 2, 16, 0x80, 0xca, 0xb5, 0xee, 1];
        assert_eq!(duration(&half), Duration::from_millis(2_500));
        assert_eq!(duration(&[&[8][..], &minus_one].concat()), Duration::ZERO);
        assert_eq!(duration(&[&[8, 1, 16][..], &minus_one].concat()), Duration::from_secs(1));
        let max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        let longest = duration(&[&[8][..], &max, &[16], &max].concat());
        assert_eq!(longest, Duration::new(u64::MAX / 2, 999_999_999));
        assert_eq!(duration(&[]), Duration::ZERO);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn reads_any_bytes(bytes: Vec<u8>) {
            let lenient = fields(&bytes).count();
            if let Ok(strict) = whole(&bytes) {
                proptest::prop_assert_eq!(strict.len(), lenient);
            }
            let _ = duration(&bytes);
        }
    }
}
