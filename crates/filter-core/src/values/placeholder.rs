//! Texts with placeholders for values of a request.

use std::borrow::Cow;

use crate::{ClaimPath, HeaderName, Needs, Request};

/// A text with placeholders in the style of Envoy, such as `shard-%PATH(id)%`.
///
/// `%%` is a percent sign. Each field allows its own kinds of placeholders.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlaceholderText(Vec<Part>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

/// A placeholder for a value of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Placeholder {
    /// `%REQ(name)%`: the first value of a request header or pseudo-header.
    Request(String),
    /// `%CLAIM(a.b)%`: a claim of the verified token that is text, a number or a boolean.
    Claim(ClaimPath),
    /// `%PATH(var)%`: the value of a variable in the path template that matched.
    Path(String),
    /// `%TAG%` or `%TAG(header)%`: the chosen tag, or that of another tag header.
    Tag(Option<String>),
    /// `%RULE%`: the name of the entry.
    Rule,
}

/// A kind of placeholder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlaceholderKind {
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

/// The error for an invalid placeholder.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPlaceholder {
    /// The second percent sign of a placeholder is missing.
    #[error("must have %% for a percent sign, or a whole placeholder such as %REQ(name)%")]
    Unfinished,
    /// The field does not allow the placeholder.
    #[error("must have no placeholders other than {allowed}, got %{got}%")]
    NotAllowed {
        /// The allowed placeholders.
        allowed: String,
        /// The refused placeholder.
        got: String,
    },
}

/// Maximum length of the value of a placeholder, in bytes.
const MAX_LEN: usize = 1024;

impl PlaceholderText {
    /// Parses a text with placeholders of the allowed kinds.
    ///
    /// # Errors
    ///
    /// Refuses other placeholders and single percent signs.
    pub fn parse(text: &str, allowed: &[PlaceholderKind]) -> Result<Self, InvalidPlaceholder> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            push_text(&mut parts, before);
            let (inner, after) = after.split_once('%').ok_or(InvalidPlaceholder::Unfinished)?;
            match inner {
                "" => push_text(&mut parts, "%"),
                inner => parts.push(Part::Value(placeholder(inner, allowed)?)),
            }
            rest = after;
        }
        push_text(&mut parts, rest);
        Ok(Self(parts))
    }

    /// Returns the text if it has no placeholders.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            [Part::Value(_)] | [_, _, ..] => None,
        }
    }

    /// Returns the placeholder if the text consists of one.
    #[must_use]
    pub fn as_placeholder(&self) -> Option<&Placeholder> {
        match self.0.as_slice() {
            [Part::Value(placeholder)] => Some(placeholder),
            _ => None,
        }
    }

    /// Returns the placeholders.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(placeholder) => Some(placeholder),
            Part::Text(_) => None,
        })
    }

    /// Replaces the placeholders with the results of `value`.
    ///
    /// Returns `None` if a value is absent, longer than 1 KiB or not printable ASCII. Values therefore
    /// cannot inject a header.
    #[must_use]
    pub fn expand<'v>(
        &self,
        mut value: impl FnMut(&Placeholder) -> Option<Cow<'v, [u8]>>,
    ) -> Option<Vec<u8>> {
        let mut expanded = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => expanded.extend_from_slice(text.as_bytes()),
                Part::Value(placeholder) => {
                    let value = value(placeholder).filter(|value| is_allowed(value))?;
                    expanded.extend_from_slice(&value);
                }
            }
        }
        Some(expanded)
    }
}

impl Placeholder {
    /// Returns the value of a header or claim; `None` for the other kinds.
    #[must_use]
    pub fn of_request<'r>(&self, request: &'r Request) -> Option<Cow<'r, [u8]>> {
        match self {
            Self::Request(name) => request.headers.first(name).map(Cow::Borrowed),
            Self::Claim(path) => path.find_scalar(request.claims.as_ref()?),
            Self::Path(_) | Self::Tag(_) | Self::Rule => None,
        }
    }

    /// Adds the input of the placeholder.
    pub fn add_needs(&self, needs: &mut Needs) {
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

fn placeholder(
    inner: &str,
    allowed: &[PlaceholderKind],
) -> Result<Placeholder, InvalidPlaceholder> {
    let parsed = parse(inner).filter(|placeholder| allowed.contains(&placeholder.kind()));
    parsed.ok_or_else(|| {
        let forms: Vec<_> = allowed.iter().map(|kind| kind.form()).collect();
        let got = inner.chars().take(64).collect();
        InvalidPlaceholder::NotAllowed { allowed: forms.join(", "), got }
    })
}

fn parse(inner: &str) -> Option<Placeholder> {
    let (name, argument) = match inner.split_once('(') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(')')?)),
        None => (inner, None),
    };
    match (name, argument) {
        ("REQ", Some(name)) => header(name).map(Placeholder::Request),
        ("CLAIM", Some(path)) => path.parse().ok().map(Placeholder::Claim),
        ("PATH", Some(name)) if !name.is_empty() => Some(Placeholder::Path(name.to_owned())),
        ("TAG", None) => Some(Placeholder::Tag(None)),
        ("TAG", Some(name)) => field(name).map(|name| Placeholder::Tag(Some(name))),
        ("RULE", None) => Some(Placeholder::Rule),
        _ => None,
    }
}

/// Parses the name of a header or pseudo-header, in lower case.
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

fn is_allowed(value: &[u8]) -> bool {
    value.len() <= MAX_LEN && value.iter().all(|byte| matches!(byte, 0x20..=0x7e))
}

#[cfg(test)]
mod tests;
