//! The outcome of a request, and the differences between two outcomes.

use std::collections::BTreeSet;

use anyhow::Result;
use tests::{client::Response, upstream::Received};

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// The request reached the application, as received there.
    Admitted(Received),
    /// The filter denied the request.
    Denied(Denial),
}

/// The response to a denied request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Denial {
    /// The status.
    pub(super) status: u16,
    /// The body.
    pub(super) text: String,
    /// The realm and `error` of `WWW-Authenticate`.
    challenge: (String, Option<String>),
}

/// A difference between two outcomes.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Difference {
    /// Only the native filter admits the request.
    Stricter,
    /// Only jwt-auth admits the request.
    Laxer,
    /// Both admit the request, but only the native filter with an identity.
    Unidentified,
    /// Both admit the request, but only jwt-auth with an identity.
    Identified,
    /// Both deny the request, with a different status.
    Status,
    /// Both deny the request, with a different body.
    Text,
    /// Both deny the request, with a different realm.
    Realm,
    /// Both deny the request, with a different `error`.
    Error,
    /// The application receives a different path or query.
    Path,
    /// The application receives different values of this header.
    Header(String),
}

impl Outcome {
    /// Reads a response of the application or the filter.
    pub(super) fn read(response: &Response, is_head: bool) -> Result<Self> {
        let from_application = response.header("content-type") == Some("application/json");
        if response.status == 200 && (from_application || is_head) {
            let received =
                if is_head { Received::default() } else { Received::from_response(response)? };
            return Ok(Self::Admitted(received));
        }
        let challenge = response.header("www-authenticate").unwrap_or_default();
        let part = |name: &str| {
            let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
            Some(rest.split_once('"')?.0.to_owned())
        };
        // jwt-auth's plain-text bodies end with a line feed.
        let text = response.text().trim_end().to_owned();
        let challenge = (part("realm").unwrap_or_default(), part(" error"));
        Ok(Self::Denied(Denial { status: response.status, text, challenge }))
    }

    /// Describes the part of the outcome that `difference` is about.
    pub(super) fn show(&self, difference: &Difference) -> String {
        match (self, difference) {
            (Self::Denied(denial), Difference::Realm | Difference::Error) => {
                format!("{:?}", denial.challenge)
            }
            (Self::Denied(denial), _) => format!("{} {}", denial.status, denial.text),
            (Self::Admitted(received), Difference::Header(name)) => {
                format!("{:?}", received.header(name))
            }
            (Self::Admitted(received), _) => format!("{} {}", received.method, received.path),
        }
    }

    /// Returns `true` if this is a denial with `text`.
    pub(super) fn has_text(&self, text: &str) -> bool {
        matches!(self, Self::Denied(denial) if denial.text == text)
    }

    /// Returns the differences between jwt-auth's outcome and the native filter's.
    pub(super) fn differences(&self, native: &Self) -> BTreeSet<Difference> {
        match (self, native) {
            (Self::Denied(_), Self::Admitted(_)) => [Difference::Stricter].into(),
            (Self::Admitted(_), Self::Denied(_)) => [Difference::Laxer].into(),
            (Self::Admitted(ours), Self::Admitted(native)) => differing_requests(ours, native),
            (Self::Denied(ours), Self::Denied(native)) => differing_denials(ours, native),
        }
    }
}

fn differing_denials(ours: &Denial, native: &Denial) -> BTreeSet<Difference> {
    let all = [
        (ours.status != native.status, Difference::Status),
        (ours.text != native.text, Difference::Text),
        (ours.challenge.0 != native.challenge.0, Difference::Realm),
        (ours.challenge.1 != native.challenge.1, Difference::Error),
    ];
    all.into_iter().filter_map(|(differs, difference)| differs.then_some(difference)).collect()
}

/// Header that both filters write for every identity, in settings with outputs.
pub(super) const PAYLOAD: &str = "x-payload";

fn differing_requests(ours: &Received, native: &Received) -> BTreeSet<Difference> {
    let identities = [ours, native].map(|request| !request.header(PAYLOAD).is_empty());
    match identities {
        [false, true] => return [Difference::Unidentified].into(),
        [true, false] => return [Difference::Identified].into(),
        _ => {}
    }
    let names = [ours, native].into_iter().flat_map(|request| &request.headers);
    let names = names.map(|(name, _)| name).filter(|name| *name != "x-request-id");
    let mut all: BTreeSet<Difference> = names
        .filter(|name| ours.header(name) != native.header(name))
        .map(|name| Difference::Header(name.clone()))
        .collect();
    if (&ours.method, &ours.path) != (&native.method, &native.path) {
        all.insert(Difference::Path);
    }
    all
}
