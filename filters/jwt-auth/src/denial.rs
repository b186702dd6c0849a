//! Denied requests: reasons, challenges and replies.

use std::{fmt, rc::Rc, time::Duration};

mod challenge;
mod failure;
mod reason;
mod rejection;
mod reply;

pub use challenge::Challenge;
pub use failure::Wait;
pub(crate) use failure::{Failure, Pending};
pub use reason::Reason;
pub use rejection::Rejection;
pub(crate) use reply::ReplyBuilder;

/// The request and response header for explanations.
pub(crate) const EXPLAIN: &str = "x-weir-explain";

/// A decision against a request, with details for the reply and the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Denial {
    /// The reason and its text.
    pub rejection: Rejection,
    /// The name of the rule that decided; `None` if no rule matched or none is configured.
    pub rule: Option<Rc<str>>,
    /// The name of the provider whose check failed.
    pub provider: Option<Rc<str>>,
    /// The requirements for the next request.
    pub challenge: Challenge,
    /// `true` if the client requested an explanation and is allowed to have it.
    pub is_explained: bool,
    /// The time until the next fetch of the missing document; zero if none is missing.
    pub retry_after: Duration,
}

impl From<Rejection> for Denial {
    fn from(rejection: Rejection) -> Self {
        let challenge = Challenge::default();
        let retry_after = Duration::ZERO;
        Self { rejection, rule: None, provider: None, challenge, is_explained: false, retry_after }
    }
}

impl Denial {
    /// Iterates over the names and values of the unmet requirements.
    pub fn requirements(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let claim = self.challenge.claim.as_deref().or(self.rejection.reason().claim());
        let requirements = [
            ("claim", claim),
            ("scope", self.challenge.scope.as_deref()),
            ("acr_values", self.challenge.acr_values.as_deref()),
        ];
        requirements.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

impl fmt::Display for Denial {
    /// Formats the log line: reason, rule and provider, no part of the token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.rejection.reason().code())?;
        for (name, value) in [("rule", &self.rule), ("provider", &self.provider)] {
            if let Some(value) = value {
                write!(formatter, " {name}={value}")?;
            }
        }
        Ok(())
    }
}
