//! Text that an application might take for a token, anywhere in a value.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// At least as lenient as any parser of tokens.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Returns `true` if a value contains text that begins like a token: an encoded JSON object and two
/// dots.
pub(super) fn is_in(value: &[u8]) -> bool {
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte);
    value.split(|byte| !belongs(*byte)).any(begins)
}

fn begins(word: &[u8]) -> bool {
    let mut parts = word.split(|byte| *byte == b'.');
    let header = parts.next().unwrap_or_default();
    // A name and a value may precede it.
    let header = header.rsplit(|byte| *byte == b'=').find(|part| !part.is_empty());
    let decoded = header.and_then(|header| LENIENT.decode(header).ok()).unwrap_or_default();
    parts.count() >= 2 && decoded.trim_ascii_start().first() == Some(&b'{')
}
