//! The `WWW-Authenticate` header (RFC 6750 section 3, RFC 9470 section 3, RFC 9728 section 5.1).

use std::{fmt::Write as _, rc::Rc, time::Duration};

use super::{Denial, Reason};

/// What the client is asked to come back with.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Challenge {
    /// The scopes that are wanted, separated by spaces; empty if none.
    pub scope: Option<Rc<str>>,
    /// The authentication levels that are wanted, separated by spaces.
    pub acr_values: Option<Rc<str>>,
    /// How old the login may be.
    pub max_age: Option<Duration>,
    /// The claim that a condition looks at; told with `problem.detail: FULL` only.
    pub claim: Option<Rc<str>>,
}

impl Reason {
    /// Returns the error word of RFC 6750 section 3.1; absent where the reply carries none.
    pub const fn error(self) -> Option<&'static str> {
        match self {
            Self::Missing
            | Self::RuleUnmatched
            | Self::KeysUnavailable
            | Self::RevocationUnavailable
            | Self::Internal => None,
            Self::MultipleTokens => Some("invalid_request"),
            Self::StepUpRequired => Some("insufficient_user_authentication"),
            Self::InsufficientScope | Self::ClaimNotAllowed => Some("insufficient_scope"),
            _ => Some("invalid_token"),
        }
    }

    /// Says whether the reply carries `WWW-Authenticate` at all.
    pub const fn has_challenge(self) -> bool {
        !matches!(self, Self::RuleUnmatched) && self.status() != 503
    }
}

/// Writes the header's value; `realm` and `metadata` hold no quote and no backslash.
pub(super) fn write(denial: &Denial, realm: &str, metadata: Option<&str>, tell: Tell) -> String {
    let mut value = format!("Bearer realm=\"{realm}\"");
    let mut add = |name: &str, text: &str| {
        // Writing to a String cannot fail.
        let _ = write!(value, ", {name}=\"{text}\"");
    };
    if let (Tell::Reason, Some(error)) = (tell, denial.fault.reason().error()) {
        add("error", error);
        add("error_description", denial.fault.text());
        let challenge = &denial.challenge;
        for (name, text) in [("scope", &challenge.scope), ("acr_values", &challenge.acr_values)] {
            if let Some(text) = text {
                add(name, text);
            }
        }
        if let Some(age) = challenge.max_age {
            add("max_age", &age.as_secs().to_string());
        }
    }
    if let (Some(metadata), 401 | 403) = (metadata, denial.fault.reason().status()) {
        add("resource_metadata", metadata);
    }
    value
}

/// How much the header tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tell {
    /// The realm only.
    Realm,
    /// The reason as well.
    Reason,
}
