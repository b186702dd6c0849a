//! Fetched documents in shared data.

/// A fetched document, with the data for a conditional request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Document {
    /// The number of the document, counted from 1.
    pub generation: u64,
    /// The server's entity tag (RFC 9110 section 8.8.3); empty if it sent none.
    pub etag: String,
    /// The discovered URL that the document came from; empty if the URL is configured.
    pub uri: String,
    /// The body of the answer.
    pub body: Vec<u8>,
}

impl Document {
    /// Encodes the document for shared data.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = |text: &str| u32::try_from(text.len()).unwrap_or_default().to_le_bytes();
        let (etag, uri) = (length(&self.etag), length(&self.uri));
        let texts = [self.etag.as_bytes(), self.uri.as_bytes(), &self.body];
        [&self.generation.to_le_bytes()[..], &etag, &uri]
            .into_iter()
            .chain(texts)
            .flatten()
            .copied()
            .collect()
    }

    /// Decodes a document; `None` if the bytes are not one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (generation, rest) = bytes.split_first_chunk::<8>()?;
        let (etag, rest) = rest.split_first_chunk::<4>()?;
        let (uri, rest) = rest.split_first_chunk::<4>()?;
        let (etag, rest) = text(*etag, rest)?;
        let (uri, body) = text(*uri, rest)?;
        Some(Self { generation: u64::from_le_bytes(*generation), etag, uri, body: body.to_vec() })
    }
}

fn text(length: [u8; 4], bytes: &[u8]) -> Option<(String, &[u8])> {
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    Some((String::from_utf8(text.to_vec()).ok()?, rest))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn decodes_an_encoded_document() {
        let document = Document {
            generation: 7,
            etag: "\"a\"".to_owned(),
            uri: "https://idp.example.com/keys".to_owned(),
            body: vec![0, 255, 3],
        };
        assert_eq!(Document::decode(&document.encode()), Some(document));
    }

    #[test]
    fn refuses_truncated_bytes() {
        let whole = Document { etag: "tag".to_owned(), ..Document::default() }.encode();
        for end in 0..whole.len() {
            assert_eq!(Document::decode(&whole[..end]), None, "{end}");
        }
    }
}
