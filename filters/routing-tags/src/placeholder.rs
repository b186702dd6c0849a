//! Texts with placeholders that a request fills.

use std::borrow::Cow;

use filter_core::{ClaimPath, HeaderName, Needs, Request};

/// A text with placeholders in the style of Envoy, such as `shard-%PATH(id)%`.
///
/// `%%` is a percent sign. Each field accepts its own set of placeholders.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PlaceholderText(Vec<Part>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

/// A value that a request fills in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Placeholder {
    /// `%REQ(name)%`: the first value of a request header, pseudo-headers among them.
    Request(String),
    /// `%CLAIM(a.b)%`: a claim of the verified token, if it is text, a number or a boolean.
    Claim(ClaimPath),
    /// `%PATH(var)%`: what a hole of the path template took by which the request matched.
    Path(String),
    /// `%TAG%` or `%TAG(header)%`: the tag that was decided, or that of another header.
    Tag(Option<String>),
    /// `%RULE%`: the name of the entry.
    Rule,
}

/// A kind of placeholder, for saying which ones a field knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PlaceholderKind {
    /// `%REQ(name)%`
    Request,
    /// `%CLAIM(a.b)%`
    Claim,
    /// `%PATH(var)%`
    Path,
    /// `%TAG%` and `%TAG(header)%`
    Tag,
    /// `%RULE%`
    Rule,
}

/// Why a text with placeholders is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum InvalidPlaceholder {
    /// A percent sign begins something that does not end.
    #[error("must have %% for a percent sign, or a whole placeholder such as %REQ(name)%")]
    Unfinished,
    /// The field knows no such placeholder.
    #[error("must hold no other placeholders than {known}, got %{got}%")]
    Unknown {
        /// What the field knows.
        known: String,
        /// What stands there.
        got: String,
    },
}

/// The longest value that a placeholder or a whole text may have, in bytes.
const MAX_LEN: usize = 1024;

impl PlaceholderText {
    /// Reads a text that may hold the placeholders of these kinds.
    ///
    /// # Errors
    ///
    /// Refuses placeholders of other kinds and percent signs that begin none.
    pub(crate) fn parse(text: &str, known: &[PlaceholderKind]) -> Result<Self, InvalidPlaceholder> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            push_text(&mut parts, before);
            let (inner, after) = after.split_once('%').ok_or(InvalidPlaceholder::Unfinished)?;
            match inner {
                "" => push_text(&mut parts, "%"),
                inner => parts.push(Part::Value(placeholder(inner, known)?)),
            }
            rest = after;
        }
        push_text(&mut parts, rest);
        Ok(Self(parts))
    }

    /// Returns the text where it has no placeholders.
    pub(crate) fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Iterates over the placeholders.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(placeholder) => Some(placeholder),
            Part::Text(_) => None,
        })
    }

    /// Fills in the values that `value` gives.
    ///
    /// `None` where a value is absent, longer than 1 KiB or not printable ASCII, so that no value
    /// can begin a second header or end a line.
    pub(crate) fn expand<'v>(
        &self,
        mut value: impl FnMut(&Placeholder) -> Option<Cow<'v, [u8]>>,
    ) -> Option<Vec<u8>> {
        let mut expanded = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => expanded.extend_from_slice(text.as_bytes()),
                Part::Value(placeholder) => {
                    let filled = value(placeholder).filter(|value| is_harmless(value))?;
                    expanded.extend_from_slice(&filled);
                }
            }
        }
        Some(expanded)
    }
}

impl Placeholder {
    /// Finds the value of a header or claim in a request; `None` for the other kinds.
    pub(crate) fn of_request<'r>(&self, request: &'r Request) -> Option<Cow<'r, [u8]>> {
        match self {
            Self::Request(name) => request.headers.first(name).map(Cow::Borrowed),
            Self::Claim(path) => path.find_scalar(request.claims.as_ref()?),
            Self::Path(_) | Self::Tag(_) | Self::Rule => None,
        }
    }

    /// Adds what must be read of a request.
    pub(crate) fn add_needs(&self, needs: &mut Needs) {
        match self {
            Self::Request(name) => {
                needs.headers.insert(name.clone());
            }
            Self::Claim(_) => needs.claims = true,
            Self::Path(_) => {
                needs.path = true;
                needs.headers.insert(":path".to_owned());
            }
            Self::Tag(_) | Self::Rule => {}
        }
    }

    const fn kind(&self) -> PlaceholderKind {
        match self {
            Self::Request(_) => PlaceholderKind::Request,
            Self::Claim(_) => PlaceholderKind::Claim,
            Self::Path(_) => PlaceholderKind::Path,
            Self::Tag(_) => PlaceholderKind::Tag,
            Self::Rule => PlaceholderKind::Rule,
        }
    }
}

impl PlaceholderKind {
    const fn form(self) -> &'static str {
        match self {
            Self::Request => "%REQ(name)%",
            Self::Claim => "%CLAIM(a.b)%",
            Self::Path => "%PATH(var)%",
            Self::Tag => "%TAG%, %TAG(tag-header)%",
            Self::Rule => "%RULE%",
        }
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(before)) => before.push_str(text),
        _ if text.is_empty() => {}
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

fn placeholder(inner: &str, known: &[PlaceholderKind]) -> Result<Placeholder, InvalidPlaceholder> {
    let found = read(inner).filter(|placeholder| known.contains(&placeholder.kind()));
    found.ok_or_else(|| {
        let forms: Vec<_> = known.iter().map(|kind| kind.form()).collect();
        let got = inner.chars().take(64).collect();
        InvalidPlaceholder::Unknown { known: forms.join(", "), got }
    })
}

fn read(inner: &str) -> Option<Placeholder> {
    let (word, argument) = match inner.split_once('(') {
        Some((word, rest)) => (word, Some(rest.strip_suffix(')')?)),
        None => (inner, None),
    };
    match (word, argument) {
        ("REQ", Some(name)) => header(name).map(Placeholder::Request),
        ("CLAIM", Some(path)) => path.parse().ok().map(Placeholder::Claim),
        ("PATH", Some(name)) if !name.is_empty() => Some(Placeholder::Path(name.to_owned())),
        ("TAG", None) => Some(Placeholder::Tag(None)),
        ("TAG", Some(name)) => field(name).map(|name| Placeholder::Tag(Some(name))),
        ("RULE", None) => Some(Placeholder::Rule),
        _ => None,
    }
}

/// Reads the name of a header as a proxy keeps it.
fn header(name: &str) -> Option<String> {
    match name.to_ascii_lowercase().as_str() {
        "host" => Some(":authority".to_owned()),
        pseudo @ (":path" | ":method" | ":scheme" | ":authority") => Some(pseudo.to_owned()),
        _ => field(name),
    }
}

fn field(name: &str) -> Option<String> {
    name.parse::<HeaderName>().ok().map(|name| name.to_string())
}

fn is_harmless(value: &[u8]) -> bool {
    value.len() <= MAX_LEN && value.iter().all(|byte| matches!(byte, 0x20..=0x7e))
}

#[cfg(test)]
mod tests;
