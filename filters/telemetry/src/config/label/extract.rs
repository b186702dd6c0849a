//! A regular expression that extracts a part of a text.

use regex_lite::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::checked;

/// A regular expression in RE2 syntax with one group, at most 1,024 bytes. It must match the whole
/// text, of which the group is kept.
///
/// Text that is not UTF-8 does not match.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(inline, with = "String", extend("maxLength" = MAX_LEN, "examples" = ["/tenants/([^/]+)/.*"]))]
pub struct Extract {
    source: String,
    regex: Regex,
}

/// Maximum length of an expression in bytes.
const MAX_LEN: usize = 1024;

/// Maximum memory of a compiled expression in bytes.
const MAX_SIZE: usize = 1 << 20;

impl Extract {
    /// Returns the value of the group; `None` if the text does not match or the group is unused.
    #[must_use]
    pub fn find<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let captures = self.regex.captures(str::from_utf8(text).ok()?)?;
        captures.get(1).map(|group| group.as_str().as_bytes())
    }

    fn compile(source: &str) -> Option<Self> {
        let build =
            |text: &str| RegexBuilder::new(text).size_limit(MAX_SIZE).nest_limit(64).build().ok();
        // Compiled without the added parentheses first, which would make `a)|(b` valid.
        build(source).filter(|alone| alone.captures_len() == 2)?;
        let regex = build(&format!(r"\A(?:{source})\z"))?;
        Some(Self { source: source.to_owned(), regex })
    }
}

impl PartialEq for Extract {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl<'de> Deserialize<'de> for Extract {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule =
            "must be a regular expression in RE2 syntax with one group, of at most 1024 bytes";
        checked(deserializer, rule, |value| {
            value.as_str().filter(|source| source.len() <= MAX_LEN).and_then(Self::compile)
        })
    }
}
