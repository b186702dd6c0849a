//! What loads but deserves a look.

use std::fmt;

/// Something that an operator should know about a configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Warning {
    /// An entry with a fault has no end in time.
    Endless {
        /// The entry.
        entry: String,
    },
    /// A fault has no percentage, and so never fires, as in Istio.
    NeverFires {
        /// The entry.
        entry: String,
        /// The part of its `fault`.
        part: &'static str,
    },
    /// The time of an entry, or of the whole document, is over.
    Over {
        /// The entry; `None` for all.
        entry: Option<String>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endless { entry } => {
                write!(
                    out,
                    "{entry}: no expiresAt covers it, so its faults never end by themselves"
                )
            }
            Self::NeverFires { entry, part } => {
                write!(out, "{entry}: fault.{part} has no percentage, so it never fires")
            }
            Self::Over { entry: Some(entry) } => {
                write!(out, "{entry}: expiresAt has passed, so its faults never fire")
            }
            Self::Over { entry: None } => {
                write!(out, "schedule: expiresAt has passed, so no fault fires")
            }
        }
    }
}
