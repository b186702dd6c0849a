//! Enforcement and dry run.

/// The effect of a policy's decisions, from the `dryRun` field of every filter.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// Decisions are applied.
    #[default]
    Enforce,
    /// Decisions are only counted; requests pass unchanged.
    DryRun,
}

impl Mode {
    /// Returns the mode for a `dryRun` field.
    #[must_use]
    pub const fn new(dry_run: bool) -> Self {
        if dry_run { Self::DryRun } else { Self::Enforce }
    }

    /// Returns `true` if decisions are only counted.
    #[must_use]
    pub const fn is_dry_run(self) -> bool {
        matches!(self, Self::DryRun)
    }
}
