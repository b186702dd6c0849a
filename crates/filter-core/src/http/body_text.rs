//! Bodies of replies.

use base64::{Engine, prelude::BASE64_STANDARD};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::schema::exactly_one;

/// A body of at most 64 KiB, as Istio's `HTTPBody`: exactly one of `string` and `bytes`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(try_from = "BodyDocument")]
#[schemars(with = "BodyDocument", transform = exactly_one(&FORMS))]
pub struct BodyText(Vec<u8>);

/// The fields of a body, of which exactly one must be set.
const FORMS: [&str; 2] = ["string", "bytes"];

const MAX_BODY_LEN: usize = 64 * 1024;

impl BodyText {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct BodyDocument {
    /// Body as text.
    #[schemars(length(max = MAX_BODY_LEN))]
    string: Option<String>,
    /// Body in base64.
    #[schemars(extend("examples" = ["AAEC"]))]
    bytes: Option<String>,
}

impl TryFrom<BodyDocument> for BodyText {
    type Error = &'static str;

    fn try_from(document: BodyDocument) -> Result<Self, &'static str> {
        let bytes = match (document.string, document.bytes) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(encoded)) => {
                BASE64_STANDARD.decode(encoded).map_err(|_| "must have base64 in bytes")?
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err("must have exactly one of string and bytes");
            }
        };
        if bytes.len() > MAX_BODY_LEN {
            return Err("must be at most 64 KiB");
        }
        Ok(Self(bytes))
    }
}
