//! A fetched document as all workers share it.

/// What the server sent, and what is needed to ask for it again.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Document {
    /// Which of the source's documents this is, counted from 1.
    pub generation: u64,
    /// The server's entity tag (RFC 9110 section 8.8.3); empty if it sent none.
    pub etag: String,
    /// Where the document came from, if that was discovered; else empty.
    pub uri: String,
    /// The bytes, as they came.
    pub body: Vec<u8>,
}

impl Document {
    /// Writes the document for the shared data.
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

    /// Reads a document; `None` if these bytes are none.
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
    fn a_document_survives_the_shared_data() {
        let document = Document {
            generation: 7,
            etag: "\"a\"".to_owned(),
            uri: "https://idp.example.com/keys".to_owned(),
            body: vec![0, 255, 3],
        };
        assert_eq!(Document::decode(&document.encode()), Some(document));
    }

    #[test]
    fn bytes_that_end_too_early_are_no_document() {
        let whole = Document { etag: "tag".to_owned(), ..Document::default() }.encode();
        for end in 0..whole.len() {
            assert_eq!(Document::decode(&whole[..end]), None, "{end}");
        }
    }
}
