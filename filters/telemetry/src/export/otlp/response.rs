//! Decoding of collector responses.

use std::time::Duration;

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use filter_core::protobuf::{Field, duration, fields};

/// Maximum length of a collector's message in logs, in bytes.
const MAX_MESSAGE_LEN: usize = 256;
const RETRY_INFO: &[u8] = b"google.rpc.RetryInfo";

/// The `partial_success` of an OTLP response.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PartialSuccess {
    /// Number of rejected items; 0 with a message is a warning.
    pub rejected_items: u64,
    /// The collector's reason, a single line of at most 256 bytes.
    pub message: String,
}

impl PartialSuccess {
    /// Decodes an `Export…ServiceResponse`, which can be truncated.
    ///
    /// `None` if everything was accepted without a message, or if the response is malformed.
    #[must_use]
    pub fn decode(response: &[u8]) -> Option<Self> {
        let mut decoded = Self::default();
        for (number, field) in fields(response) {
            let (1, Field::Bytes(partial)) = (number, field) else { continue };
            for (number, field) in fields(partial) {
                match (number, field) {
                    // An int64; negative counts are ignored.
                    (1, Field::Varint(items)) if items >> 63 == 0 => decoded.rejected_items = items,
                    (2, Field::Bytes(message)) => decoded.message = printable_line(message),
                    _ => {}
                }
            }
        }
        (decoded != Self::default()).then_some(decoded)
    }
}

/// Converts untrusted text to a single printable line of at most 256 bytes.
pub(crate) fn printable_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.get(..MAX_MESSAGE_LEN).unwrap_or(text));
    let printable = |character: char| if character.is_control() { ' ' } else { character };
    let mut line: String = text.chars().map(printable).collect();
    // The replacement character is longer than the invalid byte.
    line.truncate(line.floor_char_boundary(MAX_MESSAGE_LEN));
    line
}

/// Returns the delay of a `google.rpc.RetryInfo` in the trailer `grpc-status-details-bin`.
///
/// `None` if there is no `RetryInfo`: the request is then not retryable.
#[must_use]
pub fn retry_delay(details: &[u8]) -> Option<Duration> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let status = GeneralPurpose::new(&STANDARD, config).decode(details).ok()?;
    let details = fields(&status).filter_map(|field| bytes_of(field, 3));
    let mut delays = details.filter_map(|any| {
        let is_retry = fields(any)
            .filter_map(|field| bytes_of(field, 1))
            .any(|url| url.rsplit(|byte| *byte == b'/').next() == Some(RETRY_INFO));
        let value = fields(any).find_map(|field| bytes_of(field, 2)).unwrap_or_default();
        is_retry.then(|| fields(value).find_map(|field| bytes_of(field, 1)).map(duration))
    });
    delays.next().map(Option::unwrap_or_default)
}

fn bytes_of<'a>((number, field): (u64, Field<'a>), wanted: u64) -> Option<&'a [u8]> {
    match field {
        Field::Bytes(bytes) if number == wanted => Some(bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

    use super::*;

    fn message(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![(number << 3) | 2];
        prost::encoding::encode_varint(content.len() as u64, &mut bytes);
        [bytes.as_slice(), content].concat()
    }

    fn status_with(details: &[Vec<u8>]) -> Vec<u8> {
        let details: Vec<u8> = details.iter().flat_map(|any| message(3, any)).collect();
        [&[8, 8][..], &message(2, b"slow down"), &details].concat()
    }

    fn any(kind: &[u8], value: &[u8]) -> Vec<u8> {
        [message(1, kind), message(2, value)].concat()
    }

    #[test]
    fn decodes_the_rejected_count_and_message() {
        let read = |partial: &[u8]| PartialSuccess::decode(&message(1, partial));
        let both = [&[8, 0xac, 2][..], &message(2, b"too\nold")].concat();
        let expected = PartialSuccess { rejected_items: 300, message: "too old".to_owned() };
        assert_eq!(read(&both), Some(expected));
        let warning = PartialSuccess { rejected_items: 0, message: "w".to_owned() };
        assert_eq!(read(&message(2, b"w")), Some(warning));
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), None);
    }

    #[test]
    fn a_truncated_response_keeps_the_count() {
        let message = message(1, &[&[8, 3][..], &message(2, &[b'x'; 5_000])].concat());
        let partial = PartialSuccess::decode(&message[..4_096]).unwrap();
        assert_eq!((partial.rejected_items, partial.message.len()), (3, 256));
    }

    #[test]
    fn invalid_utf_8_does_not_exceed_the_limit() {
        let line = printable_line(&[0xff; 300]);
        assert_eq!((line.len(), line.chars().count()), (255, 85));
    }

    #[test]
    fn malformed_responses_reject_nothing() {
        for body in [&b""[..], b"<html>", b"{}", &[0xff; 100], &[0; 100], &[10], &[10, 0]] {
            assert_eq!(PartialSuccess::decode(body), None, "{body:?}");
        }
    }

    #[test]
    fn decodes_the_delay_with_and_without_padding() {
        let delay = message(1, &[8, 2, 16, 0x80, 0xca, 0xb5, 0xee, 1]);
        let info = any(b"type.googleapis.com/google.rpc.RetryInfo", &delay);
        let other = any(b"type.googleapis.com/google.rpc.DebugInfo", &delay);
        for status in [status_with(std::slice::from_ref(&info)), status_with(&[other, info])] {
            for text in [BASE64_STANDARD.encode(&status), BASE64_STANDARD_NO_PAD.encode(&status)] {
                assert_eq!(retry_delay(text.as_bytes()), Some(Duration::from_millis(2_500)));
            }
        }
    }

    #[test]
    fn a_missing_delay_differs_from_zero() {
        let kind = b"type.googleapis.com/google.rpc.RetryInfo";
        let read = |status: &[u8]| retry_delay(BASE64_STANDARD.encode(status).as_bytes());
        assert_eq!(read(&status_with(&[any(kind, &[])])), Some(Duration::ZERO));
        assert_eq!(read(&status_with(&[])), None);
        assert_eq!(read(&[]), None);
        for text in [&b"!"[..], b"", b"\xff\xff", b"AAAA"] {
            assert_eq!(retry_delay(text), None);
        }
    }
}
