//! Detection of text that an application could take for a token.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// At least as lenient as any token parser.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Returns `true` if a value contains text that looks like a token: an encoded JSON object,
/// followed by at least two dots.
pub(super) fn is_contained_in(value: &[u8]) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte);
    value.split(|byte| !is_token_byte(*byte)).any(looks_like_token)
}

fn looks_like_token(word: &[u8]) -> bool {
    let mut parts = word.split(|byte| *byte == b'.');
    let header = parts.next().unwrap_or_default();
    // A `name=` may precede the token.
    let header = header.rsplit(|byte| *byte == b'=').find(|part| !part.is_empty());
    let decoded = header.and_then(|header| LENIENT.decode(header).ok()).unwrap_or_default();
    parts.count() >= 2 && decoded.trim_ascii_start().first() == Some(&b'{')
}
